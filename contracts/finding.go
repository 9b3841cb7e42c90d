package contracts

import (
	"errors"
	"fmt"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
)

// TypeSecurityFinding says that a rule found something in the events. Nothing is blocked
// because of it.
const TypeSecurityFinding = "gatehouse.security.finding.v1"

// How urgent a finding is.
const (
	SeverityCritical = "critical"
	SeverityHigh     = "high"
	SeverityMedium   = "medium"
)

// The rules of findings.
const (
	RuleFailuresThenSuccess    = "failures-then-success"
	RuleUnknownUserShare       = "unknown-user-share"
	RuleManyAccountsUnresolved = "many-accounts-unresolved"
	RuleAccountsHeldLocked     = "accounts-held-locked"
	RuleSignupBurst            = "signup-burst"
	RulePoolChangedByOthers    = "pool-changed-by-others"
	// RuleAddressDisposable is signup-guard's: it alone has the list of disposable domains.
	RuleAddressDisposable = "address-disposable"
)

// FindingRules are all rules of findings.
func FindingRules() []string {
	return []string{
		RuleFailuresThenSuccess, RuleUnknownUserShare, RuleManyAccountsUnresolved, RuleAccountsHeldLocked,
		RuleSignupBurst, RulePoolChangedByOthers, RuleAddressDisposable,
	}
}

// SecurityFinding is the data of [TypeSecurityFinding]. The evidence is counts: the acts
// themselves are in the audit table.
type SecurityFinding struct {
	// Rule is one of FindingRules.
	Rule string `json:"rule"`
	// Severity is SeverityCritical, SeverityHigh or SeverityMedium.
	Severity string `json:"severity"`
	// From and To are the window that the rule looked at, in RFC 3339 and UTC. To is not
	// included.
	From string `json:"from"`
	To   string `json:"to"`
	// Counts are what the rule counted in the window, by word, such as failures.
	Counts map[string]int `json:"counts"`
	// Reasons are the reasons of the failures that were counted, with how often each.
	Reasons map[string]int `json:"reasons,omitempty"`
	// Domain is the registered domain that the finding is about, if it is about one.
	Domain string `json:"domain,omitempty"`
}

// shortestBlock is the least time between two findings about the same thing.
const shortestBlock = time.Hour

// NewSecurityFinding makes an event of [TypeSecurityFinding]. Its id is derived from the
// rule, from what the finding is about (user, client, domain) and from the end of its
// window, in blocks as long as the window: whoever evaluates the same window, or the next
// one, makes the same event. a.ID is not used, and the time is the end of the window.
func NewSecurityFinding(a Act, d SecurityFinding) (event.Event, error) {
	from, err := time.Parse(time.RFC3339, d.From)
	if err != nil {
		return event.Event{}, errors.New("contracts: a finding needs the start of its window")
	}
	to, err := time.Parse(time.RFC3339, d.To)
	if err != nil || !to.After(from) {
		return event.Event{}, errors.New("contracts: a finding needs the end of its window")
	}
	block := to.UTC().Add(-1).Truncate(max(to.Sub(from), shortestBlock)).Format(time.RFC3339)
	about := fmt.Sprintf("%s#%s#%s#%s#%s", d.Rule, block, a.Subject, a.ClientID, d.Domain)
	a.ID, a.Time = derived(PoolID(a.PoolARN)+"#finding", about), to
	return newEvent(TypeSecurityFinding, a, d)
}
