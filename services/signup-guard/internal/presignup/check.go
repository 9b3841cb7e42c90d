package guard

import (
	"gatehouse.example/contracts"
	"gatehouse.example/services/signup-guard/internal/address"
	"gatehouse.example/services/signup-guard/internal/domainset"
	"gatehouse.example/services/signup-guard/internal/refusal"
	"gatehouse.example/services/signup-guard/internal/relay"
)

// Verdict is what the rules say of one address.
type Verdict struct {
	// Rule that refused, of package refusal; empty means allowed.
	Rule string
	// Domain may leave the function; empty where there is none that may.
	Domain string
	// Relay is set for privacy relays.
	Relay bool
}

// Check applies the rules to an address. via is one of contracts.Via...
// It makes no call, and for ordinary addresses no allocation.
func (g *Guard) Check(email, via string) Verdict {
	a, err := address.Parse(email)
	if err != nil {
		return Verdict{Rule: ruleOf(err), Domain: eventDomain(address.SafeDomain(email))}
	}
	v := Verdict{Domain: a.Domain}
	if own, ok := relay.Match(a.Domain); ok {
		v.Relay, v.Domain = true, own
	}
	switch {
	case g.Config.CheckLookAlikes && a.LookAlike():
		v.Rule = refusal.MixedScripts
	case via == contracts.ViaAdmin && !g.Config.CheckAdminCreated,
		via == contracts.ViaFederation && !g.Config.CheckFederated:
	case g.Config.CheckReservedLocalParts && a.Reserved():
		v.Rule = refusal.ReservedName
	default:
		v.Rule = g.domainRule(a.Domain)
	}
	return v
}

// domainRule lets the operator's allow entries win over the deny entries, and
// those over the list.
func (g *Guard) domainRule(domain string) string {
	return [...]string{"", "", refusal.DenyEntry, refusal.DisposableList}[1+domainset.First(domain, g.Config.Allow, g.Config.Deny, g.List)]
}

func ruleOf(err error) string {
	switch err { //nolint:errorlint // Parse documents that it returns these values themselves
	case address.TooLong:
		return refusal.AddressLength
	case address.BadDomain:
		return refusal.DomainSyntax
	default:
		return refusal.AddressSyntax
	}
}

// eventDomain shortens a relay's domain to the relay's own, for what stands
// before it can name a person.
func eventDomain(domain string) string {
	if own, ok := relay.Match(domain); ok {
		return own
	}
	return domain
}
