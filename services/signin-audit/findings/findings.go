// Package findings has the rules that look for attacks in the rows of the audit table.
//
// The function findings evaluates them every few minutes, and `gatehouse findings try`
// evaluates the same rules on the past. Windows are of event time: CloudTrail delivers its
// records minutes late and in any order, so a window is evaluated when it lies far enough
// back, and then again with every run of the next hour. The same window gives the same
// findings with the same ids, and what was published before is not published again.
// Nothing is stored between two runs (docs/adr/0044).
package findings

import (
	"cmp"
	"net/netip"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

const (
	// Step is the distance between the ends of two windows.
	Step = 5 * time.Minute
	// Again is how long each window is evaluated again, with every run: for rows that come
	// late, and for runs that failed.
	Again = time.Hour
	// MostOfARule is how many findings of a rule one run announces. An attack on thousands of
	// accounts is not thousands of findings at once. See [Next].
	MostOfARule = 25
)

// Row is what the rules read of an audit row.
type Row struct {
	ID, Type          string
	Time              time.Time
	Pool, Client, Sub string
	// Unknown reports an attempt to sign in as a user that does not exist.
	Unknown bool
	// Reason is why a sign-in failed.
	Reason string
	// IP is where a failed sign-in came from, and invalid if no record said so.
	IP netip.Addr
	// Domain is that of a sign-up.
	Domain string
	// ActorKind and Actor are who changed the pool.
	ActorKind, Actor string

	// who and where are numbers of the user and of the client, which are quicker to compare
	// than their names. who is negative for a row without a user.
	who, where int32
}

// Rows are rows by type, in the order of time and without copies.
type Rows struct {
	byType map[string][]Row
	// parties are the clients by their number.
	parties []party
	// cut are the types that have too many rows.
	cut map[string]bool
}

// NewRows sorts rows and leaves out copies.
func NewRows(all []Row) *Rows {
	byType, out := map[string][]Row{}, &Rows{}
	who, where := map[account]int32{}, map[party]int32{}
	for _, r := range all {
		p, known := where[r.party()]
		if !known {
			p = int32(len(out.parties))
			where[r.party()], out.parties = p, append(out.parties, r.party())
		}
		r.where, r.who = p, -1
		if r.Sub != "" {
			a := account{r.Pool, r.Sub}
			if r.who, known = who[a]; !known {
				r.who = int32(len(who))
				who[a] = r.who
			}
		}
		byType[r.Type] = append(byType[r.Type], r)
	}
	for typ, rows := range byType {
		slices.SortFunc(rows, func(a, b Row) int { return cmp.Or(a.Time.Compare(b.Time), strings.Compare(a.ID, b.ID)) })
		byType[typ] = slices.CompactFunc(rows, func(a, b Row) bool { return a.ID == b.ID && a.Time.Equal(b.Time) })
	}
	out.byType = byType
	return out
}

// Len is the number of rows.
func (r *Rows) Len() int {
	n := 0
	for _, rows := range r.byType {
		n += len(rows)
	}
	return n
}

// Whole returns the rules of which no type was cut.
func (r *Rows) Whole(rules []Rule) []Rule {
	return slices.DeleteFunc(slices.Clone(rules), func(rule Rule) bool {
		for typ := range rule.Reach() {
			if r.cut[typ] {
				return true
			}
		}
		return false
	})
}

// between returns the rows of a type in a window; to is not included.
func (r *Rows) between(typ string, from, to time.Time) []Row {
	rows := r.byType[typ]
	at := func(t time.Time) int {
		return sort.Search(len(rows), func(i int) bool { return !rows[i].Time.Before(t) })
	}
	first := at(from)
	return rows[first:max(first, at(to))]
}

// Finding is what a rule found.
type Finding struct {
	Rule, Severity string
	// Pool is the id of the user pool.
	Pool string
	// Sub and Client are the user and the client that it is about, if it is about one.
	Sub, Client string
	Domain      string
	From, To    time.Time
	// Counts and Reasons are the evidence.
	Counts, Reasons map[string]int
}

// weight orders the findings of a rule: the heaviest first.
func (f Finding) weight() int {
	n := 0
	for _, count := range f.Counts {
		n = max(n, count)
	}
	return n
}

// Event makes the event of a finding. arn is that of its pool.
func (f Finding) Event(arn string) (event.Event, error) {
	return contracts.NewSecurityFinding(
		contracts.Act{PoolARN: arn, Subject: f.Sub, ClientID: f.Client},
		contracts.SecurityFinding{
			Rule: f.Rule, Severity: f.Severity, Counts: f.Counts, Reasons: f.Reasons, Domain: f.Domain,
			From: f.From.UTC().Format(time.RFC3339), To: f.To.UTC().Format(time.RFC3339),
		})
}

// Rule looks for one kind of attack.
type Rule interface {
	// Name is a word of contracts.FindingRules.
	Name() string
	// Reach is how far before and after the end of a window the rule reads, by type.
	Reach() map[string]Span
	// Look returns what it finds in the window that ends at a time. It reports what the
	// last step has added to, so that what is over is not reported again.
	Look(rows *Rows, at time.Time) []Finding
}

// Span is a part of time around the end of a window.
type Span struct{ Before, After time.Duration }

// reach is the span that all rules together read, by type.
func reach(rules []Rule) map[string]Span {
	out := map[string]Span{}
	for _, rule := range rules {
		for typ, s := range rule.Reach() {
			out[typ] = Span{Before: max(out[typ].Before, s.Before), After: max(out[typ].After, s.After)}
		}
	}
	return out
}

// Evaluate looks at every window that ends after from and not after to, one for each step.
// Findings about the same thing are one; the first is kept.
func Evaluate(rules []Rule, rows *Rows, from, to time.Time) []Finding {
	var out []Finding
	seen := map[string]bool{}
	for at := from.Truncate(Step).Add(Step); !at.After(to); at = at.Add(Step) {
		for _, rule := range rules {
			found := rule.Look(rows, at)
			slices.SortStableFunc(found, func(a, b Finding) int {
				return cmp.Or(cmp.Compare(b.weight(), a.weight()), strings.Compare(a.Sub+"#"+a.Client+"#"+a.Domain, b.Sub+"#"+b.Client+"#"+b.Domain))
			})
			for _, f := range found {
				if id := f.ID(); !seen[id] {
					seen[id] = true
					out = append(out, f)
				}
			}
		}
	}
	return out
}

// ID is the id of the finding's event; empty if it cannot be one. It depends on the pool's
// id and not on the rest of its ARN.
func (f Finding) ID() string {
	ev, err := f.Event("arn:aws:cognito-idp:::userpool/" + f.Pool)
	if err != nil {
		return ""
	}
	return ev.ID()
}

// party is an app client of a pool.
type party struct{ pool, client string }

func (r *Row) party() party { return party{r.Pool, r.Client} }

// account is a user of a pool.
type account struct{ pool, sub string }

// networks are address ranges.
type networks []netip.Prefix

// contain reports whether an address is in one of them.
func (n networks) contain(ip netip.Addr) bool {
	return ip.IsValid() && slices.ContainsFunc(n, func(p netip.Prefix) bool { return p.Contains(ip.Unmap()) })
}

// network is the part of an address that one subscriber has: /24 of version 4, /48 of
// version 6.
func network(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap()
	bits := 48
	if ip.Is4() {
		bits = 24
	}
	p, err := ip.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}
