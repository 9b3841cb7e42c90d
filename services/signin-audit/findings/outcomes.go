package findings

import (
	"time"

	"gatehouse.example/contracts"
)

// Outcomes are what became of the attempts to sign in of an hour.
type Outcomes struct {
	Attempts int
	// Explained are the attempts that a record of AWS gives a reason for. Unresolved are
	// those with neither a success nor a reason: a closed tab, or a record that never came.
	// The others succeeded.
	Explained, Unresolved int
}

// Resolve says what became of the attempts of an hour. Every event before the time at has
// arrived; the hour ends earlier, by the time that a user has to end an attempt.
//
// Nothing joins an attempt to its success or failure, so they are counted by user. What is
// left of one user explains no attempt of another. The records of hosted pages and of
// unknown users name only a client: they explain what is left of that client.
func Resolve(rows *Rows, at time.Time) Outcomes {
	from, to := at.Add(-grace-hour), at.Add(-grace)
	tried := map[visitor]int{}
	for _, row := range rows.between(contracts.TypeSigninAttempted, from, to) {
		tried[visitor{row.who, row.where}]++
	}
	succeeded, failed := map[visitor]int{}, map[visitor]int{}
	for _, row := range rows.between(contracts.TypeSigninSucceeded, from, at) {
		succeeded[visitor{row.who, row.where}]++
	}
	for _, row := range rows.between(contracts.TypeSigninFailed, from, at) {
		failed[visitor{row.who, row.where}]++
	}
	var out Outcomes
	left := make([]int, len(rows.parties))
	for v, n := range tried {
		out.Attempts += n
		if v.who >= 0 {
			n -= min(n, succeeded[v])
			explained := min(n, failed[v])
			out.Explained, n = out.Explained+explained, n-explained
		}
		left[v.where] += n
	}
	for where, n := range left {
		explained := min(n, failed[visitor{-1, int32(where)}])
		out.Explained, out.Unresolved = out.Explained+explained, out.Unresolved+n-explained
	}
	return out
}
