package contracts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/contracts"
)

const (
	pool = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse"
	sub  = "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"
)

func moment() time.Time {
	return time.Date(2026, 11, 22, 10, 30, 0, 123456789, time.FixedZone("CET", 3600))
}

// acts are all combinations of the fields that may be empty.
func acts() []contracts.Act {
	var out []contracts.Act
	for _, id := range []string{"", "1f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a12"} {
		for _, client := range []string{"", "3n4b5urk1ft4fl3mg5e62d9ado"} {
			for _, subject := range []string{"", sub} {
				for _, trace := range []string{"", "00-69217a28b0f3c1d2e4f5a6b7c8d9e0f1-53995c3f42cd8ad8-01"} {
					for _, synthetic := range []bool{false, true} {
						out = append(out, contracts.Act{
							ID: id, PoolARN: pool, Subject: subject, ClientID: client, Time: moment(), TraceParent: trace,
							Synthetic: synthetic,
						})
					}
				}
			}
		}
	}
	return out
}

// makers gives every constructor with every combination of its data.
func makers() []func(contracts.Act) (event.Event, error) {
	type maker = func(contracts.Act) (event.Event, error)
	makers := []maker{contracts.NewPasswordReset}
	for _, via := range []string{contracts.ViaSignup, contracts.ViaAdmin, contracts.ViaFederation} {
		makers = append(makers, func(a contracts.Act) (event.Event, error) {
			return contracts.NewUserCreated(a, contracts.UserCreated{Via: via})
		})
		for _, domain := range []string{"", "xn--exmple-cua.co.uk"} {
			makers = append(makers, func(a contracts.Act) (event.Event, error) {
				return contracts.NewSignupRejected(a, contracts.SignupRejected{
					Via: via, Domain: domain, Reason: "domain-disposable", Rule: "disposable-list", ListVersion: "2026-08-21",
				})
			})
			for _, relay := range []bool{false, true} {
				makers = append(makers, func(a contracts.Act) (event.Event, error) {
					return contracts.NewSignupAllowed(a, contracts.SignupAllowed{
						Via: via, Domain: domain, Relay: relay, ListVersion: "2026-08-21",
					})
				})
			}
		}
	}
	for _, who := range []string{contracts.WhoGuest, contracts.WhoUser} {
		makers = append(makers, func(a contracts.Act) (event.Event, error) {
			return contracts.NewAppEvent(a, contracts.AppEvent{Who: who, Name: "cart.opened", Values: map[string]any{"n": int64(1)}})
		})
	}
	for _, data := range []contracts.SigninFailed{
		{Reason: contracts.FailedPassword, Via: contracts.ViaAPI},
		{Reason: contracts.FailedCodeWrong, Via: contracts.ViaPage, Challenge: contracts.Challenges()["EMAIL_OTP"]},
	} {
		makers = append(makers, func(a contracts.Act) (event.Event, error) { return contracts.NewSigninFailed(a, data) })
	}
	makers = append(makers, findingMakers()...)
	makers = append(makers, challengeMakers()...)
	makers = append(makers, recordMakers()...)
	for _, is := range []bool{false, true} {
		makers = append(makers, func(a contracts.Act) (event.Event, error) {
			return contracts.NewSigninAttempted(a, contracts.SigninAttempted{UserNotFound: is})
		})
		for _, via := range []string{"", contracts.ViaFederation} {
			makers = append(makers, func(a contracts.Act) (event.Event, error) {
				return contracts.NewSigninSucceeded(a, contracts.SigninSucceeded{NewDevice: is, Via: via})
			})
		}
	}
	return makers
}

func TestConstructorsFollowTheSchemas(t *testing.T) {
	t.Parallel()
	seen, compiled := map[string]bool{}, map[string]*jsonschema.Schema{}
	for _, make := range makers() {
		for _, act := range acts() {
			ev, err := make(act)
			if err != nil && act.Subject == "" && strings.Contains(err.Error(), "needs a subject") {
				continue
			}
			if err != nil && act.ID == "" && strings.Contains(err.Error(), "needs the id of the record") {
				continue
			}
			if err != nil && act.ClientID == "" && strings.Contains(err.Error(), "a token needs a client") {
				continue
			}
			if err != nil && (act.Subject != "" || act.Synthetic) && strings.Contains(err.Error(), "has no subject") {
				continue
			}
			if err != nil && (act.Subject+act.ClientID != "" || act.Synthetic) && strings.Contains(err.Error(), "app.event has no subject") {
				continue
			}
			if err != nil {
				t.Fatalf("constructor: %v", err)
			}
			seen[ev.Type()] = true
			body, err := contracts.Encode(ev)
			if err != nil {
				t.Fatalf("Encode: %v", err)
			}
			if compiled[ev.Type()] == nil {
				compiled[ev.Type()] = compile(t, ev.Type())
			}
			if err := validate(t, compiled[ev.Type()], body); err != nil {
				t.Errorf("%s: %v", body, err)
			}
			if got := contracts.IsSynthetic(ev); got != act.Synthetic || (contracts.Attributes(ev)["synthetic"] == "true") != act.Synthetic {
				t.Errorf("%s: synthetic %v and in the attributes %q, want %v", ev.Type(), got, contracts.Attributes(ev)["synthetic"], act.Synthetic)
			}
			if act.ID != "" && !derivesItsID(ev.Type()) && ev.ID() != act.ID {
				t.Errorf("%s: id %s, want the one of the act", ev.Type(), ev.ID())
			}
		}
	}
	for _, eventType := range contracts.Types() {
		if !seen[eventType] {
			t.Errorf("no constructor makes %s", eventType)
		}
	}
}

// derivesItsID reports whether the id of a type's events does not come from the act.
func derivesItsID(typ string) bool {
	return typ == contracts.TypeUserCreated || typ == contracts.TypeSecurityFinding
}

func TestConstructorsRefuse(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*contracts.Act){
		"no_pool":             func(a *contracts.Act) { a.PoolARN = "" },
		"no_time":             func(a *contracts.Act) { a.Time = time.Time{} },
		"address_as_subject":  func(a *contracts.Act) { a.Subject = "erika@example.org" },
		"user_name_as_sub":    func(a *contracts.Act) { a.Subject = "Erika Mustermann" },
		"subject_of_100_kB":   func(a *contracts.Act) { a.Subject = strings.Repeat("a", 100<<10) },
		"subject_not_in_utf8": func(a *contracts.Act) { a.Subject = "\xff" },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			act := acts()[0]
			change(&act)
			_, err := contracts.NewSigninAttempted(act, contracts.SigninAttempted{})
			if err == nil {
				t.Fatal("no error")
			}
			if act.Subject != "" && strings.Contains(err.Error(), act.Subject) {
				t.Errorf("the error quotes the subject: %v", err)
			}
		})
	}
}

func TestRandomIDsDiffer(t *testing.T) {
	t.Parallel()
	act := contracts.Act{PoolARN: pool, Time: moment()}
	one, err1 := contracts.NewPasswordReset(act)
	two, err2 := contracts.NewPasswordReset(act)
	if err1 != nil || err2 != nil || one.ID() == two.ID() {
		t.Errorf("ids %q and %q, errors %v and %v", one.ID(), two.ID(), err1, err2)
	}
}

func TestCreatedIDIsDerived(t *testing.T) {
	t.Parallel()
	// The same value comes from Python: uuid.uuid5(uuid.NAMESPACE_URL, pool_id + "#" + sub).
	const want = "6ddaa80c-a112-5155-8249-8bddd2004cee"
	if got := contracts.CreatedID(pool, sub); got != want {
		t.Errorf("CreatedID = %s, want %s", got, want)
	}
	if contracts.CreatedID(pool, "other") == want || contracts.CreatedID(pool+"2", sub) == want {
		t.Error("another user or pool gives the same id")
	}
	if replica := strings.Replace(pool, "eu-central-1:", "eu-west-1:", 1); replica == pool || contracts.CreatedID(replica, sub) != want {
		t.Error("a replica of the pool gives another id")
	}
	if contracts.FirstSignInID(pool, sub) == want {
		t.Error("the first sign-in has the id of the creation")
	}
	ev, err := contracts.NewUserCreated(contracts.Act{ID: "ignored", PoolARN: pool, Subject: sub, Time: moment()},
		contracts.UserCreated{Via: contracts.ViaSignup})
	if err != nil || ev.ID() != want {
		t.Errorf("NewUserCreated gave id %q (%v), want %s", ev.ID(), err, want)
	}
}

// An act has one claim, by whichever version of the code it was reported.
func TestClaimID(t *testing.T) {
	t.Parallel()
	// Those of version 0.1: uuid.uuid5(uuid.NAMESPACE_URL, pool_arn + "#" + sub), and with
	// pool_arn + "#first-sign-in".
	const created, signedIn = "aa5f41d3-dc9a-5672-a54e-de010592b2f8", "2a7460f8-d78f-5a65-bb9a-b70ccb8f4076"
	act := contracts.Act{PoolARN: pool, Subject: sub, Time: moment()}
	now, err := contracts.NewUserCreated(act, contracts.UserCreated{Via: contracts.ViaSignup})
	if err != nil {
		t.Fatal(err)
	}
	act.ID = contracts.FirstSignInID(pool, sub)
	first, err := contracts.NewSigninSucceeded(act, contracts.SigninSucceeded{Via: contracts.ViaFederation})
	if err != nil {
		t.Fatal(err)
	}
	act.ID = ""
	later, err := contracts.NewSigninSucceeded(act, contracts.SigninSucceeded{})
	if err != nil {
		t.Fatal(err)
	}
	then, firstThen, nobody := now.Clone(), first.Clone(), later.Clone()
	then.SetID(created)
	firstThen.SetID(signedIn)
	nobody.SetSubject("")
	for name, tc := range map[string]struct {
		ev      event.Event
		id      string
		derived bool
	}{
		"created":           {now, created, true},
		"created_before":    {then, created, true},
		"first_sign_in":     {first, signedIn, true},
		"first_before":      {firstThen, signedIn, true},
		"later_sign_in":     {later, later.ID(), false},
		"without_a_subject": {nobody, nobody.ID(), false},
	} {
		if id, derived := contracts.ClaimID(tc.ev); id != tc.id || derived != tc.derived {
			t.Errorf("%s: %s, %v; want %s, %v", name, id, derived, tc.id, tc.derived)
		}
	}
}

func challengeMakers() []func(contracts.Act) (event.Event, error) {
	makers := []func(contracts.Act) (event.Event, error){
		func(a contracts.Act) (event.Event, error) {
			return contracts.NewChallengeSent(a, contracts.ChallengeSent{Link: true})
		},
		func(a contracts.Act) (event.Event, error) {
			return contracts.NewChallengePassed(a, contracts.ChallengePassed{With: contracts.WithLink})
		},
		func(a contracts.Act) (event.Event, error) {
			return contracts.NewChallengePassed(a, contracts.ChallengePassed{With: contracts.WithCode})
		},
	}
	for _, why := range contracts.ChallengeReasons() {
		makers = append(makers, func(a contracts.Act) (event.Event, error) {
			return contracts.NewChallengeFailed(a, contracts.ChallengeFailed{Reason: why})
		})
	}
	return makers
}
