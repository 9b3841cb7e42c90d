package findings

import (
	"fmt"
	"testing"
	"time"

	"gatehouse.example/contracts"
)

// guesses adds failures of a user and a success, some minutes before noon.
func (s *story) guesses(user string, failures int, minutes float64) {
	for range failures {
		s.fail(user, minutes+20)
	}
	s.add(contracts.TypeSigninSucceeded, user, minutes)
}

// runs announces what the runs from noon on find, one in each step, until nothing is omitted.
// It returns in which run each finding was announced, by its user.
func runs(t *testing.T, rules []Rule, rows *Rows) map[string]int {
	t.Helper()
	known, in := map[string]bool{}, map[string]int{}
	for run := range int(Again / Step) {
		end := noon.Add(time.Duration(run) * Step)
		found, omitted := Next(Evaluate(rules, rows, end.Add(-Again), end), known, MostOfARule)
		taken := map[string]int{}
		for _, f := range found {
			_, again := in[f.Sub]
			if taken[f.Rule]++; taken[f.Rule] > MostOfARule || again {
				t.Errorf("run %d: %d findings of %s; about %s again: %v", run, taken[f.Rule], f.Rule, f.Sub, again)
			}
			known[f.ID()], in[f.Sub] = true, run
		}
		if len(omitted) == 0 {
			return in
		}
	}
	return in
}

// TestDecoysHideNoAttack: an attacker gets into a victim's account and, with more failures,
// into many of their own at the same time. A limit by weight would announce those alone.
func TestDecoysHideNoAttack(t *testing.T) {
	t.Parallel()
	for _, decoys := range []int{1, MostOfARule - 1, MostOfARule, 2 * MostOfARule, 11 * MostOfARule} {
		t.Run(fmt.Sprint(decoys), func(t *testing.T) {
			t.Parallel()
			var s story
			for i := range decoys {
				s.guesses(fmt.Sprintf("decoy%03d", i), 30, 1)
			}
			s.guesses("victim", 10, 1)
			in := runs(t, []Rule{FailuresThenSuccess{Failures: 10}}, NewRows(s.rows))
			run, found := in["victim"]
			if most := decoys / MostOfARule; !found || run > most || len(in) != decoys+1 {
				t.Errorf("%d of %d announced, the attack %v in run %d, want it in run %d at the latest", len(in), decoys+1, found, run, most)
			}
		})
	}
}

// TestDecoysOfLowerSeverityAreLast: many accounts that are held locked are announced after the
// client whose accounts are locked.
func TestDecoysOfLowerSeverityAreLast(t *testing.T) {
	t.Parallel()
	var found []Finding
	for i := range 40 {
		found = append(found, Finding{
			Rule: contracts.RuleAccountsHeldLocked, Severity: contracts.SeverityMedium, Pool: "p", Sub: fmt.Sprintf("decoy%03d", i), To: noon.Add(-hour / 2),
			Counts: map[string]int{"hours": 6},
		})
	}
	found = append(found, Finding{Rule: contracts.RuleAccountsHeldLocked, Severity: contracts.SeverityHigh, Pool: "p", Client: "web", To: noon, Counts: map[string]int{"locked-users": 1}})
	found = append(found, Finding{Rule: contracts.RulePoolChangedByOthers, Severity: contracts.SeverityCritical, Pool: "p", To: noon, Counts: map[string]int{"changes": 1}})
	next, omitted := Next(found, nil, MostOfARule)
	if len(next) != MostOfARule+1 || next[0].Rule != contracts.RulePoolChangedByOthers || next[1].Client != "web" || omitted[contracts.RuleAccountsHeldLocked] != 16 {
		t.Errorf("%d announced, the first %+v; omitted %v", len(next), next[:2], omitted)
	}
}

// TestTheOldestWindowIsNext: it is evaluated the fewest times again.
func TestTheOldestWindowIsNext(t *testing.T) {
	t.Parallel()
	var found []Finding
	for i := range 60 {
		found = append(found, Finding{
			Rule: contracts.RuleFailuresThenSuccess, Severity: contracts.SeverityCritical, Pool: "p", Sub: fmt.Sprintf("user%02d", i),
			To: noon.Add(-time.Duration(i%12) * Step), Counts: map[string]int{"failures": 60 - i%12},
		})
	}
	next, _ := Next(found, nil, MostOfARule)
	for _, f := range next {
		if f.To.After(noon.Add(-7 * Step)) {
			t.Errorf("the window until %v is announced before older ones", f.To)
		}
	}
}
