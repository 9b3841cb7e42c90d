package challenge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/trigger"
)

// Whoever asks, the trigger makes the same calls and gives the same answer.
func TestNoDifference(t *testing.T) {
	t.Parallel()
	unverified, unconfirmed, noAddress, long := known(), known(), known(), known()
	unverified.attributes = strings.Replace(unverified.attributes, `"email_verified":"true"`, `"email_verified":"false"`, 1)
	unconfirmed.attributes = strings.Replace(unconfirmed.attributes, "CONFIRMED", "UNCONFIRMED", 1)
	noAddress.attributes = `{"sub":"` + sub + `","email_verified":"true"}`
	long.attributes = strings.Replace(long.attributes, "erika", strings.Repeat("x", 250), 1)
	type seen struct {
		Calls   []string
		Answers []string
	}
	// act is one sign-in of somebody with an answer that is wrong.
	act := func(t *testing.T, who person, before int) (seen, string) {
		w, h := newWorld(t)
		for range before {
			who.asks(t, h)
		}
		w.calls = nil
		var got seen
		id := ""
		for _, call := range []struct{ source, request string }{
			{"DefineAuthChallenge_Authentication", `"session":[]`},
			{"CreateAuthChallenge_Authentication", `"session":[]`},
			{"VerifyAuthChallengeResponse_Authentication", `"privateChallengeParameters":{"challenge":"{{id}}"},"challengeAnswer":"00000000000"`},
			{"DefineAuthChallenge_Authentication", `"session":[{"challengeName":"CUSTOM_CHALLENGE","challengeResult":false,"challengeMetadata":"{{id}}"}]`},
		} {
			out, err := who.invoke(t, h, call.source, strings.ReplaceAll(call.request, "{{id}}", id))
			if err != nil {
				t.Fatal(err)
			}
			if m, ok := out["challengeMetadata"].(string); ok {
				id = m
			}
			raw, _ := json.Marshal(out)
			got.Answers = append(got.Answers, regexp.MustCompile(`[A-Za-z0-9_-]{22}`).ReplaceAllString(string(raw), "{{id}}"))
		}
		got.Calls = w.calls
		return got, w.letterOf().Why
	}
	want, why := act(t, known(), 0)
	if why != "" || len(want.Calls) != 9 {
		t.Fatalf("a person who exists: %q, calls %v", why, want.Calls)
	}
	for name, tc := range map[string]struct {
		who    person
		before int
		why    string
	}{
		"unknown":           {unknown(), 0, contracts.ChallengeUnknownUser},
		"unverified":        {unverified, 0, contracts.ChallengeNoAddress},
		"unconfirmed":       {unconfirmed, 0, contracts.ChallengeNoAddress},
		"without_address":   {noAddress, 0, contracts.ChallengeNoAddress},
		"too_long":          {long, 0, contracts.ChallengeNoAddress},
		"too_often":         {known(), 5, contracts.ChallengeTooManyForUser},
		"unknown_too_often": {unknown(), 5, contracts.ChallengeUnknownUser},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, why := act(t, tc.who, tc.before)
			if why != tc.why {
				t.Errorf("the letter says %q, want %q", why, tc.why)
			}
			if tc.before > 0 { // the instance has asked for its key before
				got.Calls = slices.Insert(got.Calls, 0, "kms.GenerateMac")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("somebody who exists can be told from this (-exists +got):\n%s", diff)
			}
		})
	}
}

// If a service fails, nobody is let in, and what people see is the same for all.
func TestFailsClosed(t *testing.T) {
	t.Parallel()
	for _, down := range []string{"kms.GenerateMac", "kms.Encrypt", "dynamodb.UpdateItem", "dynamodb.PutItem", "sqs.SendMessage"} {
		for name, who := range map[string]person{"known": known(), "unknown": unknown()} {
			w, h := newWorld(t)
			w.down = down
			_, err := who.invoke(t, h, "CreateAuthChallenge_Authentication", `"session":[]`)
			w.check(t, down+" "+name, err)
		}
	}
	for _, down := range []string{"kms.Decrypt", "dynamodb.UpdateItem"} {
		w, h := newWorld(t)
		id := known().asks(t, h)
		w.down = down
		_, err := known().invoke(t, h, "VerifyAuthChallengeResponse_Authentication", fmt.Sprintf(`"privateChallengeParameters":{"challenge":%q},"challengeAnswer":%q`, id, w.letterOf().Code))
		w.check(t, down, err)
	}
	w, h := newWorld(t)
	id := known().asks(t, h)
	w.down = "topic.Publish"
	if !known().answers(t, h, id, w.letterOf().Code) {
		t.Error("a topic that is down keeps a person out")
	}
	_, err := known().invoke(t, h, "PreSignUp_SignUp", `"session":[]`)
	w.check(t, "another source", err)
}

func (w *world) check(t *testing.T, name string, err error) {
	t.Helper()
	var refusal trigger.Refusal
	if !errors.As(err, &refusal) || refusal.Code != "unavailable" {
		t.Errorf("%s: %v, want the one refusal", name, err)
	}
	for _, secret := range []string{"SECRET", "example.org", "erika", sub} {
		if strings.Contains(w.log.String(), secret) || strings.Contains(fmt.Sprint(err), secret) {
			t.Errorf("%s: says %s: %v %s", name, secret, err, w.log.String())
		}
	}
}

// Neither the code nor the link nor the address is in an answer, an event, the log, the
// table or the queue.
func TestNothingIsSaid(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t)
	created, err := known().invoke(t, h, "CreateAuthChallenge_Authentication", `"session":[]`)
	if err != nil {
		t.Fatal(err)
	}
	id, l := created["challengeMetadata"].(string), w.letterOf()
	if l.Address != address || l.Language != "de-DE" || l.Subject != sub || l.ClientID != client || l.Synthetic || l.Why != "" || len(l.Token) < 40 || len(l.Code) != 8 {
		t.Fatalf("Letter %+v", l)
	}
	known().answers(t, h, id, "wrong "+l.Code)
	known().answers(t, h, id, l.Code)
	unknown().asks(t, h)
	w.down = "dynamodb.UpdateItem"
	_, _ = known().invoke(t, h, "VerifyAuthChallengeResponse_Authentication", fmt.Sprintf(`"privateChallengeParameters":{"challenge":%q},"challengeAnswer":%q`, id, l.Code))
	events, _ := json.Marshal(w.events)
	sent, _ := json.Marshal(w.sent)
	rows := ""
	for key, row := range w.rows {
		rows += fmt.Sprint(key)
		for name, value := range row {
			rows += fmt.Sprintf(" %s=%v", name, value)
		}
	}
	answer, _ := json.Marshal(created)
	for place, text := range map[string]string{"answer": string(answer), "events": string(events), "log": w.log.String(), "table": rows, "queue": string(sent)} {
		if text == "" && place != "answer" {
			t.Errorf("nothing is in the %s, so nothing was checked", place)
		}
		for what, secret := range map[string]string{"code": l.Code, "link": l.Token, "address": address, "name": "erika", "unknown": "nobody"} {
			if strings.Contains(strings.ToLower(text), strings.ToLower(secret)) {
				t.Errorf("the %s is in the %s: %s", what, place, text)
			}
		}
	}
	if strings.Contains(rows, sub) {
		t.Errorf("a sub is in the table: %s", rows)
	}
}
