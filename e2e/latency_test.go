package e2e

import (
	"slices"
	"testing"
	"time"

	"gatehouse.example/contracts"
)

// TestEventLatency holds the bound that the README promises: of 200 sign-ins
// the event of the 99th percentile arrives within two seconds of the answer.
// It runs alone, for it measures.
func TestEventLatency(t *testing.T) {
	const signIns, limit = 200, 2 * time.Second
	s := start(t)
	inbox := s.subscribe(t)
	p := s.member(t)
	answered := make([]time.Time, 0, signIns)
	for range signIns {
		must(p.signIn(t, password))(t)
		answered = append(answered, time.Now())
	}
	arrived := inbox.wait(t, time.Minute, signIns, of(contracts.TypeSigninSucceeded, p.sub))
	// Events are unordered; sorted by the time that they name they pair with the answers.
	slices.SortFunc(arrived, func(a, b delivery) int { return a.event.Time().Compare(b.event.Time()) })
	delays := make([]time.Duration, signIns)
	for i, d := range arrived[:signIns] {
		delays[i] = d.at.Sub(answered[i])
	}
	slices.Sort(delays)
	t.Logf("answer to event: p50 %s, p99 %s", delays[signIns/2], delays[signIns*99/100])
	if p99 := delays[signIns*99/100]; p99 > limit {
		t.Errorf("p99 is %s, want at most %s", p99, limit)
	}
}
