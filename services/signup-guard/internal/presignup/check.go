package presignup

import (
	"gatehouse.example/contracts"
	"gatehouse.example/services/signup-guard/internal/address"
	"gatehouse.example/services/signup-guard/internal/domains"
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
	if own, ok := domains.Relay(a.Domain); ok {
		v.Relay, v.Domain = true, own
	}
	switch {
	case g.Config.CheckLookAlikes && a.LookAlike():
		v.Rule = ruleMixedScripts
	case via == contracts.ViaAdmin && !g.Config.CheckAdminCreated,
		via == contracts.ViaFederation && !g.Config.CheckFederated:
	case g.Config.CheckReservedLocalParts && a.Reserved():
		v.Rule = ruleReservedName
	default:
		v.Rule = g.domainRule(a.Domain)
	}
	return v
}

// domainRule lets the operator's allow entries win over the deny entries, and
// those over the list.
func (g *Guard) domainRule(domain string) string {
	return [...]string{"", "", ruleDenyEntry, ruleDisposableList}[1+domains.First(domain, g.Config.Allow, g.Config.Deny, g.List)]
}

func ruleOf(err error) string {
	switch err { //nolint:errorlint // Parse documents that it returns these values themselves
	case address.TooLong:
		return ruleAddressLength
	case address.BadDomain:
		return ruleDomainSyntax
	default:
		return ruleAddressSyntax
	}
}

// eventDomain shortens a relay's domain to the relay's own, for what stands
// before it can name a person.
func eventDomain(domain string) string {
	if own, ok := domains.Relay(domain); ok {
		return own
	}
	return domain
}
