package findings

import (
	"time"

	"gatehouse.example/contracts"
)

// lockedWindow is how far back an account's locks count.
const lockedWindow = 6 * hour

// HeldLocked finds accounts that somebody keeps locked, and many accounts that are locked
// at once: their owners cannot sign in.
type HeldLocked struct {
	Hours, Users int
	Allowed      networks
}

// Name is that of the rule.
func (HeldLocked) Name() string { return contracts.RuleAccountsHeldLocked }

// Reach is six hours of failures.
func (HeldLocked) Reach() map[string]Span {
	return map[string]Span{contracts.TypeSigninFailed: {Before: lockedWindow}}
}

// locks are the refusals of a locked account.
type locks struct {
	last  *Row
	count int
	hours map[int]bool
}

// Look counts the locked accounts.
func (r HeldLocked) Look(rows *Rows, at time.Time) []Finding {
	held := map[int32]*locks{}
	atOnce, fresh := map[int32]map[int32]bool{}, map[int32]bool{}
	failures := rows.between(contracts.TypeSigninFailed, at.Add(-lockedWindow), at)
	for i := range failures {
		row := &failures[i]
		if row.Reason != contracts.FailedLockedOut || row.who < 0 || r.Allowed.contain(row.IP) {
			continue
		}
		l := held[row.who]
		if l == nil {
			l = &locks{hours: map[int]bool{}}
			held[row.who] = l
		}
		l.last = row
		l.count++
		l.hours[int((at.Sub(row.Time)-1)/hour)] = true
		if !row.Time.Before(at.Add(-hour)) {
			if atOnce[row.where] == nil {
				atOnce[row.where] = map[int32]bool{}
			}
			atOnce[row.where][row.who] = true
			fresh[row.where] = fresh[row.where] || r.isFresh(row, at)
		}
	}
	var out []Finding
	for _, l := range held {
		if len(l.hours) >= r.Hours && r.isFresh(l.last, at) {
			out = append(out, Finding{
				Rule: r.Name(), Severity: contracts.SeverityMedium, Pool: l.last.Pool, Sub: l.last.Sub, From: at.Add(-lockedWindow), To: at,
				Counts: map[string]int{"hours": len(l.hours)}, Reasons: map[string]int{contracts.FailedLockedOut: l.count},
			})
		}
	}
	for where, users := range atOnce {
		if p := rows.parties[where]; len(users) >= r.Users && fresh[where] {
			out = append(out, Finding{
				Rule: r.Name(), Severity: contracts.SeverityHigh, Pool: p.pool, Client: p.client, From: at.Add(-hour), To: at,
				Counts: map[string]int{"locked-users": len(users)},
			})
		}
	}
	return out
}

func (HeldLocked) isFresh(row *Row, at time.Time) bool { return !row.Time.Before(at.Add(-Step)) }
