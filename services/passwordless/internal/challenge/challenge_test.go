package challenge_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/services/passwordless/internal/challenge"
)

var _ lambda.Handler = (*challenge.Handler)(nil)

// What follows in a sign-in, for each history.
func TestDefine(t *testing.T) {
	t.Parallel()
	const right, wrong = `{"challengeName":"CUSTOM_CHALLENGE","challengeResult":true,"challengeMetadata":"a"}`, `{"challengeName":"CUSTOM_CHALLENGE","challengeResult":false,"challengeMetadata":"a"}`
	list := func(rounds ...string) string { return `"session":[` + strings.Join(rounds, ",") + `]` }
	for name, tc := range map[string]struct {
		who     person
		request string
		want    string // challenge, tokens or failure
	}{
		"first":                       {known(), list(), "challenge"},
		"first_without_a_list":        {known(), `"clientMetadata":{}`, "challenge"},
		"right":                       {known(), list(right), "tokens"},
		"wrong":                       {known(), list(wrong), "challenge"},
		"wrong_then_right":            {known(), list(wrong, right), "tokens"},
		"wrong_twice_then_right":      {known(), list(wrong, wrong, right), "tokens"},
		"wrong_three_times":           {known(), list(wrong, wrong, wrong), "failure"},
		"right_after_three":           {known(), list(wrong, wrong, wrong, right), "failure"},
		"right_then_wrong":            {known(), list(right, wrong), "challenge"},
		"with_srp":                    {known(), list(`{"challengeName":"SRP_A","challengeResult":true}`), "failure"},
		"with_a_password":             {known(), list(`{"challengeName":"PASSWORD_VERIFIER","challengeResult":true}`, right), "failure"},
		"history_that_cannot_be_read": {known(), `"session":{"0":1}`, "failure"},
		"result_as_a_text":            {known(), list(`{"challengeName":"CUSTOM_CHALLENGE","challengeResult":"true"}`), "failure"},
		"result_null":                 {known(), list(`{"challengeName":"CUSTOM_CHALLENGE","challengeResult":null}`), "challenge"},
		"unknown_first":               {unknown(), list(), "challenge"},
		"unknown_wrong":               {unknown(), list(wrong), "challenge"},
		"unknown_right":               {unknown(), list(right), "challenge"},
		"unknown_three_times":         {unknown(), list(wrong, wrong, right), "failure"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, h := newWorld(t)
			got, err := tc.who.invoke(t, h, "DefineAuthChallenge_Authentication", tc.request)
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]map[string]any{
				"challenge": {"challengeName": "CUSTOM_CHALLENGE", "issueTokens": false, "failAuthentication": false},
				"tokens":    {"challengeName": nil, "issueTokens": true, "failAuthentication": false},
				"failure":   {"challengeName": nil, "issueTokens": false, "failAuthentication": true},
			}[tc.want]
			want["future"] = nil
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(w.calls) > 0 {
				t.Errorf("Define called %v", w.calls)
			}
		})
	}
}

// reasons are those of the failures that were published, and "passed" with what.
func (w *world) reasons() []string {
	var out []string
	for _, ev := range w.events {
		var data struct{ Reason, With string }
		_ = json.Unmarshal(ev.Data(), &data)
		if ev.Type() == contracts.TypeChallengePassed {
			out = append(out, "passed with "+data.With)
		} else {
			out = append(out, data.Reason)
		}
	}
	return out
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	group := func(code string) string { return " " + code[:4] + "\u00a0-" + code[4:] + "\n" }
	for name, tc := range map[string]struct {
		story func(t *testing.T, w *world, h *challenge.Handler, id string) bool
		want  bool
		event []string
	}{
		"code": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			return known().answers(t, h, id, w.letterOf().Code)
		}, true, []string{"passed with code"}},
		"code_in_groups": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			return known().answers(t, h, id, group(w.letterOf().Code))
		}, true, []string{"passed with code"}},
		"link": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			return known().answers(t, h, id, w.letterOf().Token)
		}, true, []string{"passed with link"}},
		"wrong_then_right": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			return !known().answers(t, h, id, "00") && known().answers(t, h, id, w.letterOf().Code)
		}, true, []string{"wrong-answer", "passed with code"}},
		"empty": {func(t *testing.T, _ *world, h *challenge.Handler, id string) bool {
			return known().answers(t, h, id, "")
		}, false, []string{"wrong-answer"}},
		"used": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			known().answers(t, h, id, w.letterOf().Code)
			return known().answers(t, h, id, w.letterOf().Token)
		}, false, []string{"passed with code", "used"}},
		"too_many": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			for range 3 {
				known().answers(t, h, id, "1")
			}
			return known().answers(t, h, id, w.letterOf().Code)
		}, false, []string{"wrong-answer", "wrong-answer", "wrong-answer", "too-many-answers"}},
		"expired": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			w.now = w.now.Add(10 * time.Minute)
			return known().answers(t, h, id, w.letterOf().Code)
		}, false, []string{"expired"}},
		"just_in_time": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			w.now = w.now.Add(10*time.Minute - time.Second)
			return known().answers(t, h, id, w.letterOf().Code)
		}, true, []string{"passed with code"}},
		// The link is opened in a browser that asked for another one: its session has another challenge.
		"another_session": {func(t *testing.T, w *world, h *challenge.Handler, _ string) bool {
			token := w.letterOf().Token
			return known().answers(t, h, known().asks(t, h), token)
		}, false, []string{"wrong-answer"}},
		"no_challenge": {func(t *testing.T, w *world, h *challenge.Handler, _ string) bool {
			return known().answers(t, h, "", w.letterOf().Code)
		}, false, []string{"expired"}},
		"another_user": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			other := known()
			other.attributes = strings.Replace(other.attributes, "8a11", "8a12", 1)
			return other.answers(t, h, id, w.letterOf().Code)
		}, false, []string{"wrong-answer"}},
		"not_found": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			who := known()
			who.notFound = true
			return who.answers(t, h, id, w.letterOf().Code)
		}, false, []string{"wrong-answer"}},
		"wrong_round_sends_no_second_mail": {func(t *testing.T, w *world, h *challenge.Handler, id string) bool {
			out, err := known().invoke(t, h, "CreateAuthChallenge_Authentication", fmt.Sprintf(`"session":[{"challengeName":"CUSTOM_CHALLENGE","challengeResult":false,"challengeMetadata":%q}]`, id))
			return err == nil && out["challengeMetadata"] == id && len(w.sent) == 1 && known().answers(t, h, id, w.letterOf().Code)
		}, true, []string{"passed with code"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, h := newWorld(t)
			id := known().asks(t, h)
			if got := tc.story(t, w, h, id); got != tc.want {
				t.Errorf("right = %t, want %t", got, tc.want)
			}
			if diff := cmp.Diff(tc.event, w.reasons()); diff != "" {
				t.Errorf("events (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t)
	why := func(who person) string { who.asks(t, h); return w.letterOf().Why }
	for i := range 7 {
		want := ""
		if i >= 5 {
			want = contracts.ChallengeTooManyForUser
		}
		if got := why(known()); got != want {
			t.Errorf("request %d: %q, want %q", i+1, got, want)
		}
	}
	w.now = w.now.Add(15 * time.Minute)
	if got := why(known()); got != "" {
		t.Errorf("a quarter of an hour later: %q", got)
	}
	h.Limits.PerClient = 1
	if got := why(known()); got != contracts.ChallengeTooManyForClient {
		t.Errorf("second request of the client in a minute: %q", got)
	}
	w.now = w.now.Add(time.Minute)
	if got := why(known()); got != "" {
		t.Errorf("a minute later: %q", got)
	}
	// Upper case is the same address.
	h.Limits = challenge.Limits{PerAddress: 1, PerClient: 100}
	a, b := unknown(), unknown()
	b.name = strings.ToUpper(b.name)
	a.asks(t, h)
	rows := len(w.rows)
	b.asks(t, h)
	if len(w.rows) != rows+1 { // the challenge alone
		t.Error("an address in upper case is counted apart")
	}
}

// The right answer, given twenty times at once, signs in once. Wrong ones given at once
// leave no attempt for the right one.
func TestAtTheSameTime(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t)
	h.Limits.PerAddress = 100
	for range 20 {
		id, code := known().asks(t, h), w.letterOf().Code
		var passed atomic.Int32
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() {
				if known().answers(t, h, id, code) {
					passed.Add(1)
				}
			})
		}
		all.Wait()
		if passed.Load() > 1 {
			t.Fatalf("%d sign-ins with one code", passed.Load())
		}
		id, code = known().asks(t, h), w.letterOf().Code
		for range 3 {
			all.Go(func() { known().answers(t, h, id, "1") })
		}
		all.Wait()
		if known().answers(t, h, id, code) {
			t.Fatal("a fourth answer was accepted")
		}
	}
}

// Codes are as long as they should be and differ.
func TestCodes(t *testing.T) {
	t.Parallel()
	w, h := newWorld(t)
	h.Limits = challenge.Limits{PerAddress: 1000, PerClient: 1000}
	codes, first := map[string]bool{}, map[byte]bool{}
	for range 300 {
		known().asks(t, h)
		code := w.letterOf().Code
		if !regexp.MustCompile(`^[0-9]{8}$`).MatchString(code) {
			t.Fatalf("code %q", code)
		}
		codes[code], first[code[0]] = true, true
	}
	if len(codes) < 295 || len(first) < 8 {
		t.Errorf("%d different codes, %d first digits", len(codes), len(first))
	}
}

// The payload files and those of aws-lambda-go are answered.
func TestPayloads(t *testing.T) {
	t.Parallel()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	own, _ := filepath.Glob("../../events/challenge-*.json")
	aws, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "events/testdata/cognito-event-userpools-*-auth-challenge.json"))
	if len(own) < 3 || len(aws) != 3 {
		t.Fatalf("%d files, and %d of AWS", len(own), len(aws))
	}
	for _, file := range append(own, aws...) {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, h := newWorld(t)
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{InvokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:f:live"})
		answer, err := h.Invoke(ctx, raw)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
			continue
		}
		var before, after map[string]any
		if json.Unmarshal(raw, &before) != nil || json.Unmarshal(answer, &after) != nil {
			t.Fatalf("%s: %s", filepath.Base(file), answer)
		}
		delete(before, "response")
		delete(after, "response")
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("%s: the event was changed:\n%s", filepath.Base(file), diff)
		}
	}
}

// Every payload is answered or refused, and only a right answer is ever called right.
func FuzzInvoke(f *testing.F) {
	f.Add([]byte(`{"triggerSource":"DefineAuthChallenge_Authentication","userPoolId":"eu-central-1_G","request":{"session":[]},"response":{}}`))
	f.Add([]byte(`{"triggerSource":"CreateAuthChallenge_Authentication","userPoolId":"eu-central-1_G","request":{"session":[{"challengeMetadata":1}]},"response":{}}`))
	f.Add([]byte(`{"triggerSource":"VerifyAuthChallengeResponse_Authentication","userPoolId":"eu-central-1_G","request":{"privateChallengeParameters":{"challenge":[]},"challengeAnswer":{}},"response":{}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		w, h := newWorld(t)
		h.Log = slog.New(slog.DiscardHandler)
		ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{InvokedFunctionArn: "arn:aws:lambda:eu-central-1:123456789012:function:f:live"})
		answer, err := h.Invoke(ctx, raw)
		if (err == nil) != json.Valid(answer) {
			t.Fatalf("answer %q, error %v", answer, err)
		}
		if slices.ContainsFunc(w.reasons(), func(r string) bool { return strings.HasPrefix(r, "passed") }) {
			t.Fatal("an answer is right that was never asked for")
		}
	})
}
