package findings

import (
	"cmp"
	"hash/maphash"
	"slices"

	"gatehouse.example/contracts"
)

// Omitted is how many findings of a rule wait for the next run, because there are too many.
type Omitted map[string]int

// seed makes the order of findings unknown outside the process.
var seed = maphash.MakeSeed()

// Next are the findings that a run announces: those that are not known, and at most so many of
// a rule. What is omitted is announced by the next run, for which these are known.
//
// Whoever attacks one account can attack others too, so that it has company. The evidence of
// those others can be heavier, and their ids are known to who owns the accounts. So the turn
// of a finding depends neither on its weight nor on its id: the gravest come first, then those
// whose window is evaluated the fewest times again, and among these it is drawn.
func Next(found []Finding, known map[string]bool, most int) ([]Finding, Omitted) {
	var waiting []turn
	for _, f := range found {
		if id := f.ID(); !known[id] {
			waiting = append(waiting, turn{f, maphash.String(seed, id)})
		}
	}
	slices.SortStableFunc(waiting, turn.compare)
	var out []Finding
	taken, omitted := map[string]int{}, Omitted{}
	for _, w := range waiting {
		if taken[w.Rule] == most {
			omitted[w.Rule]++
			continue
		}
		taken[w.Rule]++
		out = append(out, w.Finding)
	}
	return out, omitted
}

// turn is a finding with its number in the draw.
type turn struct {
	Finding
	number uint64
}

func (t turn) compare(other turn) int {
	return cmp.Or(cmp.Compare(gravity(other.Severity), gravity(t.Severity)), t.To.Compare(other.To), cmp.Compare(t.number, other.number))
}

// gravity orders severities.
func gravity(severity string) int {
	switch severity {
	case contracts.SeverityCritical:
		return 3
	case contracts.SeverityHigh:
		return 2
	case contracts.SeverityMedium:
		return 1
	}
	return 0
}
