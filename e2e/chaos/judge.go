package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"gatehouse.example/contracts"
)

// subject is what an event is about: its type, and the user's id or the domain of an
// address that is not a user's yet.
type subject struct{ typ, who string }

func (s subject) String() string {
	return strings.TrimSuffix(strings.TrimPrefix(s.typ, "gatehouse."), ".v1") + " of " + s.who
}

// act is what somebody did. It leads to one event, unless the answer to the call that did
// it was lost: then it may have happened or not.
type act struct {
	subject
	sure bool
}

// entry is an event, as a row of the audit table or on the bus.
type entry struct {
	subject
	id string
}

// observation is what a round left behind.
type observation struct {
	rows, bus []entry
	counted   map[string]int // by metric
	// claims are the messages whose claim DynamoDB did not answer, killed those that a killed
	// function may have claimed: they may be in no metric.
	claims, killed int
	waiting        []string // queues with messages, and how many
}

// verdict compares what people did with what is left of it.
type verdict struct {
	survived, lost, doubled, uncounted int
	// broken names each broken promise in a sentence.
	broken []string
}

func (v *verdict) lose(n int, format string, args ...any) {
	v.lost += n
	v.broken = append(v.broken, fmt.Sprintf(format, args...))
}

func (v *verdict) double(n int, format string, args ...any) {
	v.doubled += n
	v.broken = append(v.broken, fmt.Sprintf(format, args...))
}

// judge wants each act in the audit table once, on the bus at least once, counted once,
// and no message left. A count may be missing where the README of user-events says so.
func judge(acts []act, o observation) verdict {
	var v verdict
	rows, copies := count(o.rows), count(o.bus)
	events := map[subject]int{} // different events of each subject, wherever they are
	for _, e := range slices.SortedFunc(maps.Keys(union(rows, copies)), byID) {
		events[e.subject]++
		switch {
		case rows[e] == 0:
			v.lose(1, "%v, event %s: not in the audit table", e.subject, e.id)
		case copies[e] == 0:
			v.lose(1, "%v, event %s: not on the bus", e.subject, e.id)
		case rows[e] > 1:
			v.double(rows[e]-1, "%v, event %s: %d rows", e.subject, e.id, rows[e])
		default:
			v.survived++
		}
	}
	v.compare(acts, events)
	v.countOnce(events, o)
	for _, queue := range o.waiting {
		v.broken = append(v.broken, "messages wait in "+queue)
	}
	return v
}

func count(entries []entry) map[entry]int {
	out := map[entry]int{}
	for _, e := range entries {
		out[e]++
	}
	return out
}

// union has the keys of both.
func union[K comparable](a, b map[K]int) map[K]int {
	out := map[K]int{}
	maps.Copy(out, a)
	maps.Copy(out, b)
	return out
}

func byID(a, b entry) int { return cmp.Or(cmp.Compare(a.typ, b.typ), cmp.Compare(a.id, b.id)) }

// compare wants as many events as acts.
func (v *verdict) compare(acts []act, events map[subject]int) {
	sure, possible := map[subject]int{}, map[subject]int{}
	for _, a := range acts {
		possible[a.subject]++
		if a.sure {
			sure[a.subject]++
		}
	}
	order := func(a, b subject) int { return cmp.Or(cmp.Compare(a.typ, b.typ), cmp.Compare(a.who, b.who)) }
	for _, s := range slices.SortedFunc(maps.Keys(union(possible, events)), order) {
		switch n := events[s]; {
		case n < sure[s]:
			v.lose(sure[s]-n, "%v: %d events, want %d", s, n, sure[s])
		case n > possible[s]:
			v.double(n-possible[s], "%v: %d events, want %d", s, n, possible[s])
			v.survived -= n - possible[s]
		}
	}
}

// metrics are those that count the events of people, by type.
func metrics() map[string]string {
	return map[string]string{
		contracts.TypeSignupAllowed: "SignUpsAllowed", contracts.TypeSignupRejected: "SignUpsRejected", contracts.TypeUserCreated: "UsersCreated",
		contracts.TypeSigninAttempted: "SignInsAttempted", contracts.TypeSigninSucceeded: "SignInsSucceeded",
		contracts.TypeSigninFailed: "SignInsFailed",
	}
}

// consumed is the metric that counts every event.
const consumed = "EventsConsumed"

// countOnce wants each event in its metric once.
func (v *verdict) countOnce(events map[subject]int, o observation) {
	want := map[string]int{}
	for s, n := range events {
		want[metrics()[s.typ]] += n
		want[consumed] += n
	}
	missing, ofTypes := 0, 0
	for _, metric := range slices.Sorted(maps.Keys(union(want, o.counted))) {
		n := o.counted[metric] - want[metric]
		switch {
		case n > 0:
			v.double(n, "%s is %d, want %d", metric, o.counted[metric], want[metric])
		case metric == consumed:
			missing = -n
		default:
			ofTypes -= n
		}
	}
	missing = max(missing, ofTypes)
	excused := o.claims + o.killed
	v.uncounted = min(missing, excused)
	if missing > excused {
		v.lose(missing-excused, "%d events are in no metric; %d claims without an answer and %d messages of killed functions explain %d",
			missing, o.claims, o.killed, excused)
	}
}
