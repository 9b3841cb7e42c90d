package findings

import (
	"time"

	"gatehouse.example/contracts"
)

// SignupBurst finds many sign-ups with addresses of one domain. The hours before tell how
// many are usual, so that a large provider's domain is not one.
type SignupBurst struct{ SignUps, Factor int }

// Name is that of the rule.
func (SignupBurst) Name() string { return contracts.RuleSignupBurst }

// Reach is the window, and the hours before.
func (SignupBurst) Reach() map[string]Span {
	before := Span{Before: (1 + hoursBefore) * hour}
	return map[string]Span{contracts.TypeSignupAllowed: before, contracts.TypeSignupRejected: before}
}

// site is a domain at a pool.
type site struct{ pool, domain string }

// signUps of a domain in some time.
type signUps struct{ allowed, rejected int }

func count(rows *Rows, from, to time.Time) map[site]signUps {
	out := map[site]signUps{}
	for _, row := range rows.between(contracts.TypeSignupAllowed, from, to) {
		s := out[site{row.Pool, row.Domain}]
		s.allowed++
		out[site{row.Pool, row.Domain}] = s
	}
	for _, row := range rows.between(contracts.TypeSignupRejected, from, to) {
		s := out[site{row.Pool, row.Domain}]
		s.rejected++
		out[site{row.Pool, row.Domain}] = s
	}
	return out
}

// Look compares the last hour with the busiest of those before.
func (r SignupBurst) Look(rows *Rows, at time.Time) []Finding {
	now, fresh := count(rows, at.Add(-hour), at), count(rows, at.Add(-Step), at)
	var out []Finding
	for s, n := range now {
		if n.allowed+n.rejected < r.SignUps || fresh[s] == (signUps{}) {
			continue
		}
		most := 0
		for i := 1; i <= hoursBefore; i++ {
			end := at.Add(-time.Duration(i) * hour)
			before := count(rows, end.Add(-hour), end)[s]
			most = max(most, before.allowed+before.rejected)
		}
		if n.allowed+n.rejected < r.Factor*most {
			continue
		}
		out = append(out, Finding{
			Rule: r.Name(), Severity: contracts.SeverityMedium, Pool: s.pool, Domain: s.domain, From: at.Add(-hour), To: at,
			Counts: map[string]int{"allowed": n.allowed, "rejected": n.rejected, "most-before": most},
		})
	}
	return out
}
