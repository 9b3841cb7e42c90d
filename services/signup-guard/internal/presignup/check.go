package presignup

import (
	"gatehouse.example/contracts"
	"gatehouse.example/services/signup-guard/internal/address"
	"gatehouse.example/services/signup-guard/internal/domains"
)

// Verdict is the result of the rules for one address.
type Verdict struct {
	// Rule that refused the address; empty if it is allowed.
	Rule string
	// Domain may leave the function; empty if none may.
	Domain string
	// Relay is set for privacy relays.
	Relay bool
}

// Check applies the rules to an address. via is one of contracts.Via... It makes no
// call, and for ordinary addresses no allocation.
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

// domainRule applies the operator's allow entries before the deny entries, and those
// before the list.
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

// eventDomain shortens a relay's domain to the relay's own, because the part before
// it can identify a person.
func eventDomain(domain string) string {
	if own, ok := domains.Relay(domain); ok {
		return own
	}
	return domain
}
