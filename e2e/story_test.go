package e2e

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
	"gatehouse.example/tools/actors"
)

func TestEveryActIsPublishedCountedAndRecorded(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	before := s.sums(t)

	refused := s.newPerson(t)
	refused.domain = "sharklasers.com" // which no other test uses
	refused.Email = refused.local + "@" + refused.local + "." + refused.domain
	err := refused.SignUp(t.Context())
	text := actors.Refusal(err)
	if text == "" {
		t.Fatalf("disposable address: got %v, want UserLambdaValidationException", err)
	}
	if !strings.HasPrefix(text, "PreSignUp failed with error ") || !strings.HasSuffix(text, ".") {
		t.Errorf("the refusal reads %q, want AWS's form", text)
	}

	p := s.newPerson(t)
	p.signUp(t)
	p.confirm(t)
	if _, err := p.WrongPassword(t.Context(), p.SignInByPassword); err != nil {
		t.Fatal(err)
	}
	p.signIn(t)

	t.Run("events", func(t *testing.T) {
		domain := func(typ, domain string) func(event.Event) bool {
			return func(ev event.Event) bool {
				return ev.Type() == typ && actors.DomainOf(ev) == domain
			}
		}
		inbox.wait(t, 1, domain(contracts.TypeSignupRejected, refused.domain))
		inbox.wait(t, 1, domain(contracts.TypeSignupAllowed, p.domain))
		inbox.wait(t, 1, of(contracts.TypeUserCreated, p.Sub))
		inbox.wait(t, 2, of(contracts.TypeSigninAttempted, p.Sub))
		inbox.wait(t, 1, of(contracts.TypeSigninSucceeded, p.Sub))
		about := inbox.find(t, func(ev event.Event) bool {
			return ev.Subject() == p.Sub && ev.Type() != contracts.TypeSigninFailed // of a record, which may be later
		})
		if want := 4; len(about) < want || len(about) > want+1 {
			t.Errorf("%d events about the person, want %d (or one more where sign-up names the sub)", len(about), want)
		}
		checkSchemas(t, inbox)
	})
	t.Run("metrics", func(t *testing.T) {
		want := map[string]float64{
			"SignUpsRejected": 1, "SignUpsAllowed": 1, "UsersCreated": 1, "SignInsAttempted": 2, "SignInsSucceeded": 1,
			"TimeToConfirm": 0.001, // seconds, however few
		}
		for name, n := range want {
			eventually(t, name, func() bool { return s.sums(t)[name] >= before[name]+n })
		}
		// An outbox that works hides a topic that does not.
		if n := s.sums(t)["EventsFellBack"] - before["EventsFellBack"]; n > 0 {
			t.Errorf("%v events went to the outbox", n)
		}
	})
	t.Run("audit", func(t *testing.T) {
		eventually(t, "four audit rows", func() bool {
			out, err := s.gatehouse(t, "audit", "show", "--user", p.Sub, "--json")
			return err == nil && strings.Count(out, "signin.attempted") == 2 &&
				strings.Count(out, "signin.succeeded") == 1 && strings.Count(out, "user.created") == 1
		})
	})
	t.Run("nothing_personal", func(t *testing.T) {
		all := inbox.find(t, func(event.Event) bool { return true })
		for _, d := range all {
			if strings.Contains(d.Body, p.local) || strings.Contains(d.Body, refused.local) {
				t.Errorf("an event names the person: %s", d.Event.Type())
			}
		}
		s.nothingInLogs(t, p.local, refused.local, "client-metadata", password)
	})
}

// began is when the process did: sums that count from it can be compared.
var began = time.Now()

// sums adds up metrics of Gatehouse since an hour before the tests began.
func (s *system) sums(t *testing.T) map[string]float64 {
	t.Helper()
	meter := actors.NewMeter(s.clients(t).cloudwatch, "local", began)
	sums := map[string]float64{}
	for _, name := range []string{
		"SignUpsRejected", "SignUpsAllowed", "UsersCreated", "SignInsAttempted", "SignInsSucceeded", "PasswordsReset",
		"SignInsFailed", "UsersDeleted", "PoolChanges", "ClientTokensIssued", "EventsFellBack", "AppEvents", "AppEventsDelayed", "AppEventsRefused", "SyntheticEvents",
		"TimeToConfirm",
	} {
		sums[name] = must(meter.Sum(t.Context(), name))(t)
	}
	return sums
}

// checkSchemas validates every event against the schema that it names.
func checkSchemas(t *testing.T, in inbox) {
	t.Helper()
	compiled := map[string]*jsonschema.Schema{}
	for _, typ := range contracts.Types() {
		raw := must(schemas.FS.ReadFile(typ + ".json"))(t)
		doc := must(jsonschema.UnmarshalJSON(bytes.NewReader(raw)))(t)
		compiler := jsonschema.NewCompiler()
		compiler.AssertFormat()
		if err := compiler.AddResource(typ, doc); err != nil {
			t.Fatal(err)
		}
		compiled[typ] = must(compiler.Compile(typ))(t)
	}
	all := in.find(t, func(event.Event) bool { return true })
	for _, d := range all {
		schema := compiled[d.Event.Type()]
		if schema == nil {
			t.Errorf("event of unknown type %q", d.Event.Type())
			continue
		}
		doc := must(jsonschema.UnmarshalJSON(strings.NewReader(d.Body)))(t)
		if err := schema.Validate(doc); err != nil {
			t.Errorf("%s: %v", d.Event.Type(), err)
		}
	}
}
