package findings

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const (
	readme = "../README.md"
	// The lines around the table in the README.
	begin = "<!-- findings: written by UPDATE=findings go test ./findings -run TestDay -->\n\n"
	end   = "\n<!-- end of findings -->"
)

// seeds of the days in the table.
func seeds() []uint64 { return []uint64{1, 2, 3} }

// dayRules are the rules as an operator of this pool would set them.
func dayRules(t *testing.T) []Rule {
	t.Helper()
	s := Defaults()
	for name, value := range map[string]string{allowedNetworks: office.String() + "/32", poolChangeRoles: deployers} {
		if err := s.Set(name, value); err != nil {
			t.Fatalf("Set: %v", err)
		}
	}
	return s.Rules()
}

// findings are those of the first and of the last run that evaluates each window of a day.
// Records that come later than an hour after the first one are not seen.
func (d *day) findings(rules []Rule) []Finding {
	var out []Finding
	known := map[string]bool{}
	for _, delay := range []time.Duration{Defaults().Lag - Step, Defaults().Lag + Again} {
		for _, f := range Evaluate(rules, d.seen(delay), d.start, d.start.Add(24*time.Hour+Again)) {
			if !known[f.ID()] {
				out = append(out, f)
			}
			known[f.ID()] = true
		}
	}
	return out
}

// tally is what became of the attacks of a rule, on all days.
type tally struct {
	planted, found, wrong int
	// missed are the attacks that were not found, with how often.
	missed map[string]int
}

// score adds a day: what was planted, and what was found.
func (d *day) score(found []Finding, into map[string]*tally) {
	of := func(rule string) *tally {
		if into[rule] == nil {
			into[rule] = &tally{missed: map[string]int{}}
		}
		return into[rule]
	}
	for _, a := range d.planted {
		of(a.rule).planted++
		if slices.ContainsFunc(found, func(f Finding) bool { return f.Rule == a.rule && a.about(f) }) {
			of(a.rule).found++
		} else {
			of(a.rule).missed[a.how]++
		}
	}
	for _, f := range found {
		if !slices.ContainsFunc(d.planted, func(a attack) bool { return a.about(f) }) {
			of(f.Rule).wrong++
		}
	}
}

func table(rules []Rule, all map[string]*tally) string {
	out := "| rule | planted | found | missed | false | missed attacks |\n|---|---|---|---|---|---|\n"
	for _, rule := range rules {
		t := all[rule.Name()]
		if t == nil {
			t = &tally{}
		}
		var missed []string
		for _, how := range slices.Sorted(maps.Keys(t.missed)) {
			missed = append(missed, fmt.Sprintf("%s (%d)", how, t.missed[how]))
		}
		out += fmt.Sprintf("| %s | %d | %d | %d | %d | %s |\n", rule.Name(), t.planted, t.found, t.planted-t.found, t.wrong, strings.Join(append(missed, "–")[:max(1, len(missed))], "; "))
	}
	return out
}

// TestDay evaluates generated days of 100,000 sign-ins with planted attacks, and compares
// what was found, missed and false with the README. SEED=n prints the table of another day.
func TestDay(t *testing.T) {
	t.Parallel()
	days := seeds()
	if seed, err := strconv.ParseUint(os.Getenv("SEED"), 10, 64); err == nil {
		days = []uint64{seed}
	}
	var mu sync.Mutex
	all := map[string]*tally{}
	var wait sync.WaitGroup
	for _, seed := range days {
		wait.Go(func() {
			d := newDay(seed)
			found := d.findings(dayRules(t))
			mu.Lock()
			defer mu.Unlock()
			d.score(found, all)
		})
	}
	wait.Wait()
	want := table(dayRules(t), all)
	if os.Getenv("SEED") != "" {
		t.Log("\n" + want)
		return
	}
	page, err := os.ReadFile(readme)
	if err != nil {
		t.Fatalf("os.ReadFile: %v", err)
	}
	before, rest, opened := strings.Cut(string(page), begin)
	got, after, closed := strings.Cut(rest, end)
	if !opened || !closed {
		t.Fatalf("%s has no place for the table", readme)
	}
	if os.Getenv("UPDATE") == "findings" {
		if err := os.WriteFile(readme, []byte(before+begin+want+end+after), 0o600); err != nil {
			t.Fatalf("os.WriteFile: %v", err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the README has another table (-want +got); UPDATE=findings go test ./findings -run TestDay writes it\n%s", diff)
	}
}
