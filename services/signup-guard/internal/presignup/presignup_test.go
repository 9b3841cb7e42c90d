package presignup

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
)

// sink is a Publisher that remembers what it was given.
type sink struct {
	sent  []event.Event
	err   error
	panic any
}

func (s *sink) Publish(_ context.Context, evs ...event.Event) ([]publish.Outcome, error) {
	if s.panic != nil {
		panic(s.panic)
	}
	s.sent = append(s.sent, evs...)
	return nil, s.err
}

// invoke runs the whole handler as Lambda does and returns its answer, its
// error, the events and the log.
func invoke(t *testing.T, s *sink, payload []byte) (answer []byte, log string, err error) {
	t.Helper()
	var out bytes.Buffer
	g := newGuard(t, nil)
	g.Publisher, g.Log = s, slog.New(slog.NewJSONHandler(&out, nil))
	h := trigger.Handler{Run: g.PreSignUp, Log: g.Log, Now: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }}
	ctx := lambdacontext.NewContext(context.Background(), &lambdacontext.LambdaContext{
		InvokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:presignup:live",
	})
	answer, err = h.Invoke(ctx, payload)
	return answer, out.String(), err
}

func TestPreSignUp_payload_files(t *testing.T) {
	t.Parallel()
	const text = "This email address cannot be used here. Please use another one (address-refused)"
	for file, c := range map[string]struct{ typ, via, domain, refusal string }{
		"presignup-signup":            {contracts.TypeSignupAllowed, contracts.ViaSignup, "example.org", ""},
		"presignup-signup-disposable": {contracts.TypeSignupRejected, contracts.ViaSignup, "mailinator.com", text},
		"presignup-admin-create-user": {contracts.TypeSignupAllowed, contracts.ViaAdmin, "example.org", ""},
		"presignup-external-provider": {contracts.TypeSignupAllowed, contracts.ViaFederation, "example.net", ""},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			payload, err := os.ReadFile("../../events/" + file + ".json")
			if err != nil {
				t.Fatal(err)
			}
			s := &sink{}
			answer, _, err := invoke(t, s, payload)
			if got := fmt.Sprint(err); c.refusal != "" && got != c.refusal || c.refusal == "" && (err != nil || !bytes.Equal(answer, payload)) {
				t.Errorf("answer %s, error %v", answer, err)
			}
			if len(s.sent) != 1 || s.sent[0].Type() != c.typ {
				t.Fatalf("events: %v", s.sent)
			}
			var data struct{ Via, Domain, ListVersion string }
			if err := s.sent[0].DataAs(&data); err != nil {
				t.Fatal(err)
			}
			if data.Via != c.via || data.Domain != c.domain || data.ListVersion == "" {
				t.Errorf("data %+v", data)
			}
			if s.sent[0].Source() != "arn:aws:cognito-idp:us-east-1:123456789012:userpool/us-east-1_Ab129faBb" {
				t.Errorf("source %s", s.sent[0].Source())
			}
		})
	}
}

func TestPreSignUp_finds_the_address(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source, user string
		attributes   map[string]any
		refused      bool
		domain       string
	}{
		"attribute":                {sourceSignUp, "u1", map[string]any{"email": "eve@mailinator.com"}, true, "mailinator.com"},
		"user_name":                {sourceSignUp, "eve@mailinator.com", nil, true, "mailinator.com"},
		"attribute_over_user_name": {sourceSignUp, "eve@mailinator.com", map[string]any{"email": "eve@example.org"}, false, "example.org"},
		"phone_only":               {sourceSignUp, "+15555550100", map[string]any{"phone_number": "+15555550100"}, false, ""},
		"no_attributes":            {sourceSignUp, "u1", nil, false, ""},
		"federated_name_like_mail": {sourceExternal, "okta_eve@mailinator.com", nil, false, ""},
		"admin_by_user_name":       {sourceAdmin, "ada@localhost", nil, true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &sink{}
			_, _, err := invoke(t, s, payload(t, c.source, c.user, c.attributes))
			if (err != nil) != c.refused {
				t.Errorf("error %v", err)
			}
			if len(s.sent) != 1 || !strings.Contains(string(s.sent[0].Data()), c.domain) {
				t.Errorf("events %v", s.sent)
			}
		})
	}
}

func TestPreSignUp_unknown_source(t *testing.T) {
	t.Parallel()
	in := payload(t, "PreSignUp_Tomorrow", "eve@mailinator.com", nil)
	s := &sink{}
	answer, log, err := invoke(t, s, in)
	if err != nil || !bytes.Equal(answer, in) || len(s.sent) != 0 || !strings.Contains(log, "not a trigger source") {
		t.Errorf("answer %s, error %v, events %v, log %s", answer, err, s.sent, log)
	}
}

// The person reads their own language: the user's, else the client's.
func TestPreSignUp_speaks_the_language(t *testing.T) {
	t.Parallel()
	for wish, start := range map[[2]string]string{
		{"", ""}: "This email", {"de-AT", "fr"}: "Diese E-Mail", {"", "fr"}: "Cette adresse", {"pt", "ja-JP"}: "このメール", {"", "xx"}: "This email",
	} {
		var in map[string]any
		if err := json.Unmarshal(payload(t, sourceSignUp, "u1", map[string]any{"email": "eve@mailinator.com", "locale": wish[0]}), &in); err != nil {
			t.Fatal(err)
		}
		in["request"].(map[string]any)["clientMetadata"] = map[string]string{"lang": wish[1], "email": "es"}
		raw, err := json.Marshal(in)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = invoke(t, &sink{}, raw)
		if got := fmt.Sprint(err); !strings.HasPrefix(got, start) || !strings.HasSuffix(got, " (address-refused)") {
			t.Errorf("%v: %q", wish, got)
		}
	}
}

// TestPreSignUp_broken_plumbing: no fault of the publisher opens the door to a
// refused address or closes it to a good one.
func TestPreSignUp_broken_plumbing(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]*sink{
		"error": {err: errors.New("sns is away")}, "panic": {panic: "qzxq@mailinator.com"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			good := payload(t, sourceSignUp, "u1", map[string]any{"email": "ada@example.org"})
			answer, log, err := invoke(t, broken, good)
			if err != nil || !bytes.Equal(answer, good) || !strings.Contains(log, "event not sent") {
				t.Errorf("a good address: %s, %v, %s", answer, err, log)
			}
			_, log, err = invoke(t, broken, payload(t, sourceSignUp, "u1", map[string]any{"email": "qzxq@mailinator.com"}))
			var refusal trigger.Refusal
			if !errors.As(err, &refusal) || refusal.Code != "domain-disposable" || strings.Contains(log, "qzxq") {
				t.Errorf("a disposable address: %v, %s", err, log)
			}
		})
	}
}

func TestPreSignUp_largest_payload(t *testing.T) {
	t.Parallel()
	attributes := map[string]any{"email": "ada@example.org"}
	for i := range 50 {
		attributes[fmt.Sprintf("custom:a%d", i)] = strings.Repeat("\u00fc", 2048)
	}
	in := payload(t, sourceSignUp, "u1", attributes)
	answer, _, err := invoke(t, &sink{}, in)
	if err != nil || !bytes.Equal(answer, in) {
		t.Errorf("%d bytes: error %v", len(in), err)
	}
}

// TestPreSignUp_says_nothing_about_the_person looks for the local part, the user
// name and an attribute in everything that leaves the function.
func TestPreSignUp_says_nothing_about_the_person(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	domains := []string{
		"example.org", "mailinator.com", "localhost", "EXÄMPLE.de", "\u0430pple.com", "[127.0.0.1]", "example.org.", "a b.org",
		"SECRET.mozmail.com", "SECRET@example.org", "", "\u202eexample.org", strings.Repeat("a", 300) + ".org", "SECRET", "SECRET..org",
	}
	for i := range 600 {
		secret := fmt.Sprintf("qzx%dxzq", random.Uint32())
		local := []string{secret, secret + "+tag", `"` + secret + `"`, secret + "..x", "\u0430" + secret, secret + "\x00", "(" + secret + ")", "Name <" + secret}[i%8]
		domain := strings.ReplaceAll(domains[random.IntN(len(domains))], "SECRET", secret)
		source := []string{sourceSignUp, sourceAdmin, sourceExternal, "PreSignUp_Other"}[random.IntN(4)]
		attributes := map[string]any{"name": secret}
		if i%5 != 0 {
			attributes["email"] = local + "@" + domain
		}
		s := &sink{err: errors.New("away")}
		_, log, err := invoke(t, s, payload(t, source, local+"@"+domain, attributes))
		out := log + fmt.Sprint(err)
		for _, ev := range s.sent {
			body, encodeErr := contracts.Encode(ev)
			if encodeErr != nil {
				t.Fatal(encodeErr)
			}
			out += string(body) + fmt.Sprint(contracts.Attributes(ev))
		}
		if strings.Contains(out, secret) {
			t.Fatalf("%q at %q came out: %s", local, domain, out)
		}
	}
}

func TestPreSignUp_subject_is_the_acts(t *testing.T) {
	t.Parallel()
	s := &sink{}
	if _, _, err := invoke(t, s, payload(t, sourceSignUp, "u1", map[string]any{"email": "ada@example.org"})); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("", s.sent[0].Subject()); diff != "" {
		t.Error("AWS gives no sub at sign-up and none may be invented", diff)
	}
}

func payload(t *testing.T, source, user string, attributes map[string]any) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"version": "1", "triggerSource": source, "region": "us-east-1", "userPoolId": "us-east-1_Ab129faBb", "userName": user,
		"callerContext": map[string]string{"awsSdkVersion": "x", "clientId": "7lhlkkfbfb4q5kpp90urffao"},
		"request":       map[string]any{"userAttributes": attributes},
		"response":      map[string]bool{"autoConfirmUser": false, "autoVerifyEmail": false, "autoVerifyPhone": false},
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
