package findings

import (
	"slices"
	"time"

	"gatehouse.example/contracts"
)

// PoolChanges finds changes of the pool by others than the roles that deploy it. Whoever
// can change a pool can take its triggers out, or read the secret of a client.
type PoolChanges struct{ Roles []string }

// Name is that of the rule.
func (PoolChanges) Name() string { return contracts.RulePoolChangedByOthers }

// Reach is an hour.
func (PoolChanges) Reach() map[string]Span {
	return map[string]Span{contracts.TypePoolChanged: {Before: hour}}
}

// Look counts the changes of the last hour. The finding names nobody: the name of an actor
// is in the changes themselves.
func (r PoolChanges) Look(rows *Rows, at time.Time) []Finding {
	changes, fresh := map[string]int{}, map[string]bool{}
	for _, row := range rows.between(contracts.TypePoolChanged, at.Add(-hour), at) {
		if row.ActorKind == contracts.ByRole && slices.Contains(r.Roles, row.Actor) {
			continue
		}
		changes[row.Pool]++
		fresh[row.Pool] = fresh[row.Pool] || !row.Time.Before(at.Add(-Step))
	}
	var out []Finding
	for pool, n := range changes {
		if fresh[pool] {
			out = append(out, Finding{
				Rule: r.Name(), Severity: contracts.SeverityCritical, Pool: pool, From: at.Add(-hour), To: at,
				Counts: map[string]int{"changes": n},
			})
		}
	}
	return out
}
