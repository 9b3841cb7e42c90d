package simulation

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// few is how many histories a run without HISTORIES plays.
const few = 150

// TestHistories plays the histories of the seeds FROM and following, HISTORIES of them.
func TestHistories(t *testing.T) {
	t.Parallel()
	settings, from, n := settingsOf(t), environmentNumber(t, "FROM", 0), environmentNumber(t, "HISTORIES", few)
	p := progress{began: time.Now(), from: from, n: n}
	p.next.Store(from)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for !t.Failed() {
				seed := p.next.Add(1) - 1
				if seed >= from+n {
					return
				}
				if broken := run(t, generate(seed), settings, bug{}); len(broken) > 0 {
					report(t, seed, settings, bug{}, broken)
				}
			}
		})
	}
	finished := make(chan struct{})
	go func() { workers.Wait(); close(finished) }()
	for {
		select {
		case <-finished:
			p.print(t)
			return
		case <-time.After(10 * time.Second):
			p.print(t)
		}
	}
}

// progress is how many histories a run has played.
type progress struct {
	began   time.Time
	from, n uint64
	next    atomic.Uint64
}

// print shows a long run's progress, and the seed from which it can be continued.
func (p *progress) print(t *testing.T) {
	t.Helper()
	done := min(p.next.Load()-p.from, p.n)
	rate := float64(done) / time.Since(p.began).Seconds()
	t.Logf("%d of %d histories, %.0f a second", done, p.n, rate)
	if p.n > few {
		// Seeds are taken in order, so all but the last few are finished.
		at := p.from + done - min(done, uint64(runtime.GOMAXPROCS(0)))
		if done == p.n {
			at = p.from + p.n
		}
		fmt.Fprintf(os.Stderr, "%d of %d histories, %.0f a second; to go on from here: FROM=%d\n", done, p.n, rate, at)
	}
}

// report fails the test with the smallest history that breaks the same invariant.
func report(t *testing.T, seed uint64, settings map[string]setting, b bug, broken []violation) {
	t.Helper()
	breaks := func(h history) bool {
		return slices.ContainsFunc(run(t, h, settings, b), func(v violation) bool { return v.invariant == broken[0].invariant })
	}
	h := shrink(generate(seed), breaks)
	now, happened := traced(t, h, settings, b, true)
	t.Errorf("seed %d breaks %q: %s\n\nThe smallest history that does:\n%s\n%s\n\nWhat happened in it:\n  %s\n\nRun it again: make simulate HISTORIES=1 FROM=%d",
		seed, broken[0].invariant, broken[0].detail, h, now, strings.Join(happened, "\n  "), seed)
}

func settingsOf(t *testing.T) map[string]setting {
	t.Helper()
	settings, err := readSettings()
	if err != nil {
		t.Fatalf("readSettings: %v", err)
	}
	return settings
}

func environmentNumber(t *testing.T, name string, fallback uint64) uint64 {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return fallback
	}
	n, err := strconv.ParseUint(value, 10, 63)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return n
}

// One seed is one history, and one history is one run.
func TestRunsAreEqual(t *testing.T) {
	t.Parallel()
	settings := settingsOf(t)
	for seed := range uint64(40) {
		h := generate(seed)
		_, first := traced(t, h, settings, bug{}, true)
		_, second := traced(t, generate(seed), settings, bug{}, true)
		// What happens at the same time can be noted in any order.
		slices.Sort(first)
		slices.Sort(second)
		if diff := cmp.Diff(first, second); diff != "" {
			t.Fatalf("seed %d (-first +second):\n%s\n%s", seed, h, diff)
		}
	}
}

// What is left of a history is what the invariant needs, and nothing else.
func TestShrink(t *testing.T) {
	t.Parallel()
	h := generate(11)
	h.acts = []act{{number: 1, kind: kinds[0], calls: 3}, {number: 2, kind: kinds[3], calls: 4, former: true}, {number: 3, kind: kinds[1], calls: 1}}
	h.faults = []fault{{step{opBus, "1.1 x", 1}, refuse, 0}, {step{opLedger, "2.2 x", 1}, delay, time.Hour}}
	h.outages = []outage{{serviceTopic, 0, time.Hour, hang}}
	h.receives, h.poisons, h.visits, h.clocks = 3, []time.Duration{1}, []visit{{at: 1}}, []clock{{function: drain}}
	runs := 0
	got := shrink(h, func(h history) bool {
		runs++
		return slices.ContainsFunc(h.acts, func(a act) bool { return a.number == 2 && a.calls > 1 }) &&
			slices.ContainsFunc(h.faults, func(f fault) bool { return f.op == opLedger && f.wait > time.Minute })
	})
	want := "  0s           act 2: user 0 " + kinds[3].does + "; Cognito calls the trigger 2 times\n" +
		`  event "2.2 x", time 1: metrics: dynamodb.PutItem: delivered late (1m52.5s)` + "\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("after %d runs (-want +got):\n%s", runs, diff)
	}
}
