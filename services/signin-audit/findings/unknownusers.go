package findings

import (
	"time"

	"gatehouse.example/contracts"
)

// hoursBefore is how many windows before the current one tell what is usual.
const hoursBefore = 3

// UnknownUsers finds somebody who tries a list of addresses: the share of attempts as
// users that do not exist rises at a client.
type UnknownUsers struct {
	Users, Share, Factor int
	Allowed              networks
}

// Name is that of the rule.
func (UnknownUsers) Name() string { return contracts.RuleUnknownUserShare }

// Reach is the window, and the hours before.
func (UnknownUsers) Reach() map[string]Span {
	before := Span{Before: (1 + hoursBefore) * hour}
	return map[string]Span{contracts.TypeSigninAttempted: before, contracts.TypeSigninFailed: before}
}

// tries are the attempts of a client.
type tries struct{ all, unknown, unrecorded, allowed int }

// count reads a window, by client. Where the app client reports unknown users to everybody,
// Cognito does not call the trigger for them, and only AWS's records of failures have them.
func (r UnknownUsers) count(rows *Rows, from, to time.Time) []tries {
	out := make([]tries, len(rows.parties))
	attempts := rows.between(contracts.TypeSigninAttempted, from, to)
	for i := range attempts {
		t := &out[attempts[i].where]
		t.all++
		if attempts[i].Unknown {
			t.unknown++
		}
	}
	failures := rows.between(contracts.TypeSigninFailed, from, to)
	for i := range failures {
		row := &failures[i]
		if row.who >= 0 || !isGuess(row.Reason) {
			continue
		}
		t := &out[row.where]
		t.unrecorded++
		if r.Allowed.contain(row.IP) {
			t.allowed++
		}
	}
	for i := range out {
		t := &out[i]
		if more := t.unrecorded - t.unknown; more > 0 {
			t.all, t.unknown = t.all+more, t.unknown+more
		}
		t.unknown = max(0, t.unknown-t.allowed)
	}
	return out
}

// Look compares the last hour with those before.
func (r UnknownUsers) Look(rows *Rows, at time.Time) []Finding {
	var out []Finding
	for i, t := range r.count(rows, at.Add(-hour), at) {
		if t.unknown < r.Users || t.unknown*100 < r.Share*t.all || r.count(rows, at.Add(-Step), at)[i].unknown == 0 {
			continue
		}
		before := r.count(rows, at.Add(-(1+hoursBefore)*hour), at.Add(-hour))[i]
		if t.unknown*before.all < r.Factor*before.unknown*t.all {
			continue
		}
		p := rows.parties[i]
		out = append(out, Finding{
			Rule: r.Name(), Severity: contracts.SeverityHigh, Pool: p.pool, Client: p.client, From: at.Add(-hour), To: at,
			Counts: map[string]int{
				"attempts": t.all, "unknown-users": t.unknown, "attempts-before": before.all, "unknown-users-before": before.unknown,
			},
		})
	}
	return out
}
