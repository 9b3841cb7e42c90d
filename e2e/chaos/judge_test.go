package main

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/contracts"
)

// history is what two people did, and what is left if all is well: one signed up, confirmed
// and signed in twice, once with a wrong password; the other one's address was refused.
func history() ([]act, observation) {
	attempted, succeeded := subject{contracts.TypeSigninAttempted, "u1"}, subject{contracts.TypeSigninSucceeded, "u1"}
	acts := []act{
		{subject{contracts.TypeSignupAllowed, "c1.example"}, true}, {subject{contracts.TypeUserCreated, "u1"}, true},
		{attempted, true}, {attempted, true}, {succeeded, true}, {subject{contracts.TypeSignupRejected, disposable}, true},
	}
	var rows []entry
	for i, a := range acts {
		rows = append(rows, entry{a.subject, string(rune('a' + i))})
	}
	return acts, observation{rows: rows, bus: append(slices.Clone(rows), rows[0]), counted: map[string]int{
		"SignUpsAllowed": 1, "SignUpsRejected": 1, "UsersCreated": 1, "SignInsAttempted": 2, "SignInsSucceeded": 1, consumed: 6,
	}}
}

// TestJudge plants one error at a time.
func TestJudge(t *testing.T) {
	t.Parallel()
	never := entry{subject{contracts.TypeSigninSucceeded, "u1"}, "never"}
	for name, tc := range map[string]struct {
		plant                              func(*[]act, *observation)
		survived, lost, doubled, uncounted int
		want                               string // of what is broken; empty if nothing may be
	}{
		"all_is_well": {func(*[]act, *observation) {}, 6, 0, 0, 0, ""},
		"row_dropped": {func(_ *[]act, o *observation) { o.rows = o.rows[1:] }, 5, 1, 0, 0, "event a: not in the audit table"},
		"row_twice":   {func(_ *[]act, o *observation) { o.rows = append(o.rows, o.rows[2]) }, 5, 0, 1, 0, "event c: 2 rows"},
		"row_of_another_id": {func(_ *[]act, o *observation) {
			o.rows, o.bus = append(o.rows, never), append(o.bus, never)
			count1(o, 1)
		}, 6, 0, 1, 0, "2 events, want 1"},
		"not_on_the_bus": {func(_ *[]act, o *observation) { o.bus = o.bus[1:6] }, 5, 1, 0, 0, "event a: not on the bus"},
		"lost_everywhere": {func(_ *[]act, o *observation) {
			o.rows, o.bus = o.rows[:5], o.bus[:5]
			o.counted["SignUpsRejected"]--
			o.counted[consumed]--
		}, 5, 1, 0, 0, "user.signup.rejected of mailinator.com: 0 events, want 1"},
		"counted_twice":        {func(_ *[]act, o *observation) { o.counted["SignInsAttempted"]++ }, 6, 0, 1, 0, "SignInsAttempted is 3, want 2"},
		"counted_as_another":   {func(_ *[]act, o *observation) { o.counted["SignInsAttempted"]++; o.counted["UsersCreated"]-- }, 6, 1, 1, 0, "SignInsAttempted is 3, want 2"},
		"not_counted":          {func(_ *[]act, o *observation) { count1(o, -1) }, 6, 1, 0, 0, "1 events are in no metric"},
		"only_the_total":       {func(_ *[]act, o *observation) { o.counted[consumed]-- }, 6, 1, 0, 0, "1 events are in no metric"},
		"claim_without_answer": {func(_ *[]act, o *observation) { count1(o, -1); o.claims = 1 }, 6, 0, 0, 1, ""},
		"killed_before_count":  {func(_ *[]act, o *observation) { count1(o, -1); o.killed = batch }, 6, 0, 0, 1, ""},
		"more_than_explained":  {func(_ *[]act, o *observation) { o.counted = map[string]int{}; o.claims = 4 }, 6, 2, 0, 4, "6 events are in no metric; 4 claims"},
		"message_left":         {func(_ *[]act, o *observation) { o.waiting = []string{"gatehouse-local-user-events-outbox: 1"} }, 6, 0, 0, 0, "messages wait in gatehouse-local-user-events-outbox: 1"},
		"event_of_nobody":      {func(_ *[]act, o *observation) { o.rows[4].who, o.bus[4].who = "u2", "u2" }, 5, 1, 1, 0, "signin.succeeded of u2: 1 events, want 0"},
		"unsure_and_not_there": {func(a *[]act, _ *observation) { *a = append(*a, act{never.subject, false}) }, 6, 0, 0, 0, ""},
		"unsure_and_there": {func(a *[]act, o *observation) {
			*a = append(*a, act{never.subject, false})
			o.rows, o.bus = append(o.rows, never), append(o.bus, never)
			count1(o, 1)
		}, 7, 0, 0, 0, ""},
		"unsure_and_lost_later": {func(a *[]act, o *observation) {
			*a = append(*a, act{never.subject, false})
			o.bus = append(o.bus, never)
			count1(o, 1)
		}, 6, 1, 0, 0, "event never: not in the audit table"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acts, o := history()
			o.counted = maps.Clone(o.counted)
			tc.plant(&acts, &o)
			v := judge(acts, o)
			if v.survived != tc.survived || v.lost != tc.lost || v.doubled != tc.doubled || v.uncounted != tc.uncounted {
				t.Errorf("%d survived, %d lost, %d doubled, %d not counted", v.survived, v.lost, v.doubled, v.uncounted)
			}
			if got := strings.Join(v.broken, "; "); (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
				t.Errorf("broken: %q, want %q", got, tc.want)
			}
		})
	}
}

// count1 counts a sign-in more or less.
func count1(o *observation, n int) {
	o.counted["SignInsSucceeded"] += n
	o.counted[consumed] += n
}
