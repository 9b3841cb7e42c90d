package findings

import (
	"net/netip"
	"time"

	"gatehouse.example/contracts"
)

// grace is how long after the end of a window a user may still get in: an attempt of the
// last minute is not a failure yet.
const grace = 10 * time.Minute

// Unresolved finds somebody who tries few passwords on many accounts: many users of a
// client, or from one network, do not get in.
type Unresolved struct {
	Users, Share, Factor, NetworkUsers int
	Allowed                            networks

	// hours are the hours of these rows that were read before: each is the hour before of
	// several windows.
	hours map[time.Time][]crowd
	of    *Rows
}

// Name is that of the rule.
func (*Unresolved) Name() string { return contracts.RuleManyAccountsUnresolved }

// Reach is the window, the hours before, and the grace.
func (*Unresolved) Reach() map[string]Span {
	s := Span{Before: (1 + hoursBefore) * hour, After: grace}
	return map[string]Span{contracts.TypeSigninAttempted: s, contracts.TypeSigninSucceeded: s, contracts.TypeSigninFailed: s}
}

// crowd are the users of a client in an hour.
type crowd struct {
	users, unresolved int
	// fresh are those without a success who tried in the last step.
	fresh int
	// network is the largest number of unresolved users from one network.
	network int
	reasons map[string]int
}

// visitor is a user at a client.
type visitor struct{ who, where int32 }

// origin is a client as it is used from a network.
type origin struct {
	where int32
	from  netip.Prefix
}

// read counts the users of the hour before a time, by client.
func (r *Unresolved) read(rows *Rows, at time.Time) []crowd {
	if r.of != rows {
		r.of, r.hours = rows, map[time.Time][]crowd{}
	}
	if known, ok := r.hours[at]; ok {
		return known
	}
	out := make([]crowd, len(rows.parties))
	successes := rows.between(contracts.TypeSigninSucceeded, at.Add(-hour), at.Add(grace))
	resolved := make(map[int32]bool, len(successes))
	for i := range successes {
		resolved[successes[i].who] = true
	}
	attempts := rows.between(contracts.TypeSigninAttempted, at.Add(-hour), at)
	last := make(map[visitor]time.Time, len(attempts))
	for i := range attempts {
		if row := &attempts[i]; row.who >= 0 {
			last[visitor{row.who, row.where}] = row.Time
		}
	}
	r.failures(rows, at, resolved, last, out)
	for v, when := range last {
		c := &out[v.where]
		c.users++
		if !resolved[v.who] {
			c.unresolved++
			if !when.Before(at.Add(-Step)) {
				c.fresh++
			}
		}
	}
	r.hours[at] = out
	return out
}

// failures adds what AWS's records say. A user who failed in an allowed network does not
// count at all.
func (r *Unresolved) failures(rows *Rows, at time.Time, resolved map[int32]bool, last map[visitor]time.Time, out []crowd) {
	found := map[origin]map[int32]bool{}
	failures := rows.between(contracts.TypeSigninFailed, at.Add(-hour), at)
	for i := range failures {
		row := &failures[i]
		v := visitor{row.who, row.where}
		if r.Allowed.contain(row.IP) {
			delete(last, v)
			continue
		}
		if row.who < 0 || resolved[row.who] || !isGuess(row.Reason) {
			continue
		}
		if row.Time.After(last[v]) {
			last[v] = row.Time
		}
		c := &out[row.where]
		if c.reasons == nil {
			c.reasons = map[string]int{}
		}
		c.reasons[row.Reason]++
		if !row.IP.IsValid() {
			continue
		}
		o := origin{row.where, network(row.IP)}
		if found[o] == nil {
			found[o] = map[int32]bool{}
		}
		found[o][row.who] = true
		c.network = max(c.network, len(found[o]))
	}
}

// Look compares the last hour with those before.
func (r *Unresolved) Look(rows *Rows, at time.Time) []Finding {
	var out []Finding
	for i, c := range r.read(rows, at) {
		if c.fresh == 0 || c.network < r.NetworkUsers && !r.many(rows, at, i, c) {
			continue
		}
		p := rows.parties[i]
		f := Finding{
			Rule: r.Name(), Severity: contracts.SeverityHigh, Pool: p.pool, Client: p.client, From: at.Add(-hour), To: at,
			Counts: map[string]int{"users": c.users, "unresolved-users": c.unresolved}, Reasons: c.reasons,
		}
		if c.network > 0 {
			f.Counts["users-of-one-network"] = c.network
		}
		out = append(out, f)
	}
	return out
}

// many reports whether more users of a client than usual did not get in.
func (r *Unresolved) many(rows *Rows, at time.Time, i int, c crowd) bool {
	if c.unresolved < r.Users || c.unresolved*100 < r.Share*c.users {
		return false
	}
	users, unresolved := 0, 0
	for n := 1; n <= hoursBefore; n++ {
		before := r.read(rows, at.Add(-time.Duration(n)*hour))[i]
		users, unresolved = users+before.users, unresolved+before.unresolved
	}
	return c.unresolved*users >= r.Factor*unresolved*c.users
}
