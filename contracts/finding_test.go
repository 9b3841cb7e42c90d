package contracts_test

import (
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// findingMakers gives findings with every rule, every severity and every optional field.
func findingMakers() []func(contracts.Act) (event.Event, error) {
	severities := []string{contracts.SeverityCritical, contracts.SeverityHigh, contracts.SeverityMedium}
	var out []func(contracts.Act) (event.Event, error)
	for i, rule := range contracts.FindingRules() {
		d := finding("2026-11-22T09:00:00Z", "2026-11-22T10:00:00Z")
		d.Rule, d.Severity = rule, severities[i%len(severities)]
		if i%2 == 0 {
			d.Domain, d.Reasons = "example.org", map[string]int{"locked-out": 2}
		}
		out = append(out, func(a contracts.Act) (event.Event, error) { return contracts.NewSecurityFinding(a, d) })
	}
	return out
}

func finding(from, to string) contracts.SecurityFinding {
	return contracts.SecurityFinding{
		Rule: contracts.RuleFailuresThenSuccess, Severity: contracts.SeverityCritical, From: from, To: to,
		Counts: map[string]int{"failures": 12},
	}
}

// TestFindingsAboutTheSameThingAreOne: the id says what a finding is about, and in which
// block of time its window ends.
func TestFindingsAboutTheSameThingAreOne(t *testing.T) {
	t.Parallel()
	const from, to = "2026-11-22T09:05:00Z", "2026-11-22T10:05:00Z"
	make := func(a contracts.Act, d contracts.SecurityFinding) event.Event {
		t.Helper()
		ev, err := contracts.NewSecurityFinding(a, d)
		if err != nil {
			t.Fatalf("NewSecurityFinding: %v", err)
		}
		return ev
	}
	act := contracts.Act{PoolARN: pool, Subject: sub, ClientID: "web"}
	first := make(act, finding(from, to))
	if at := first.Time().Format(time.RFC3339); at != to {
		t.Errorf("time %s, want the end of the window", at)
	}
	other := func(change func(*contracts.Act, *contracts.SecurityFinding)) event.Event {
		a, d := act, finding(from, to)
		change(&a, &d)
		return make(a, d)
	}
	for name, tc := range map[string]struct {
		ev   event.Event
		same bool
	}{
		"other_evidence": {other(func(_ *contracts.Act, d *contracts.SecurityFinding) { d.Counts = map[string]int{"failures": 99} }), true},
		"other_time":     {other(func(a *contracts.Act, _ *contracts.SecurityFinding) { a.Time = moment() }), true},
		"replica_of_the_pool": {other(func(a *contracts.Act, _ *contracts.SecurityFinding) {
			a.PoolARN = "arn:aws:cognito-idp:eu-west-1:123456789012:userpool/eu-central-1_Gatehouse"
		}), true},
		"same_hour":    {make(act, finding("2026-11-22T10:00:00Z", "2026-11-22T11:00:00Z")), true},
		"next_hour":    {make(act, finding("2026-11-22T10:05:00Z", "2026-11-22T11:05:00Z")), false},
		"other_user":   {other(func(a *contracts.Act, _ *contracts.SecurityFinding) { a.Subject = "other" }), false},
		"other_client": {other(func(a *contracts.Act, _ *contracts.SecurityFinding) { a.ClientID = "native" }), false},
		"other_domain": {other(func(_ *contracts.Act, d *contracts.SecurityFinding) { d.Domain = "example.org" }), false},
		"other_rule":   {other(func(_ *contracts.Act, d *contracts.SecurityFinding) { d.Rule = contracts.RuleSignupBurst }), false},
	} {
		if same := tc.ev.ID() == first.ID(); same != tc.same {
			t.Errorf("%s: same id %t, want %t", name, same, tc.same)
		}
	}
	if id, derived := contracts.ClaimID(first); !derived || id != first.ID() {
		t.Errorf("ClaimID = %s, %t", id, derived)
	}
}

// TestBlocksAreAsLongAsTheWindow: a window of six hours is reported once in six hours.
func TestBlocksAreAsLongAsTheWindow(t *testing.T) {
	t.Parallel()
	id := func(from, to string) string {
		ev, err := contracts.NewSecurityFinding(contracts.Act{PoolARN: pool}, finding(from, to))
		if err != nil {
			t.Fatalf("NewSecurityFinding: %v", err)
		}
		return ev.ID()
	}
	first := id("2026-11-22T01:05:00Z", "2026-11-22T07:05:00Z")
	if first != id("2026-11-22T06:00:00Z", "2026-11-22T12:00:00Z") || first == id("2026-11-22T06:05:00Z", "2026-11-22T12:05:00Z") {
		t.Error("findings of six hours are not one for each block of six hours")
	}
}

func TestFindingsNeedAWindow(t *testing.T) {
	t.Parallel()
	const at = "2026-11-22T09:00:00Z"
	for _, d := range []contracts.SecurityFinding{finding("", at), finding(at, ""), finding(at, at), finding(at, "2026-11-22T08:00:00Z"), finding("yesterday", at)} {
		if _, err := contracts.NewSecurityFinding(contracts.Act{PoolARN: pool}, d); err == nil {
			t.Errorf("no error for %s to %s", d.From, d.To)
		}
	}
}
