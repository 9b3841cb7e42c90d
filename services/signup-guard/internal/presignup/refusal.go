package presignup

import "gatehouse.example/lambdakit/trigger"

// The rules, as events name them.
const (
	ruleAddressSyntax  = "address-syntax"
	ruleAddressLength  = "address-length"
	ruleDomainSyntax   = "domain-syntax"
	ruleMixedScripts   = "mixed-scripts"
	ruleReservedName   = "reserved-name"
	ruleDenyEntry      = "deny-entry"
	ruleDisposableList = "disposable-list"
)

// refusal is one line of the table of why an address is turned away.
type refusal struct {
	// Rule is unique.
	Rule string
	// Code is stable and for the operator's programs: the reason in events and metrics.
	Code string
	// When says which addresses are refused.
	When string
	// Said is stable and for the client's programs: the code in the text, of those below.
	Said string
}

// refusals lists every refusal. What is said is the same for a denied and a listed
// domain: only the operator should know which list it was, and finds it in the event.
func refusals() []refusal {
	return []refusal{
		{ruleAddressSyntax, "address-invalid", "not exactly one plain address: comments, names, quotes, encoded words, routes, invisible characters", saidInvalid},
		{ruleAddressLength, "address-invalid", "longer than 254 octets, or 64 before the @", saidInvalid},
		{ruleDomainSyntax, "address-invalid", "not a public domain name: one label, an IP address, a final dot", saidInvalid},
		{ruleMixedScripts, "address-lookalike", "letters of several alphabets, or of one that imitates another", saidLookAlike},
		{ruleReservedName, "address-reserved", "a name such as admin or postmaster", saidReserved},
		{ruleDenyEntry, "domain-denied", "the domain or a parent is in DenyDomains", saidRefused},
		{ruleDisposableList, "domain-disposable", "the domain or a parent is in the disposable list", saidRefused},
	}
}

// refusalOf returns the refusal of a rule.
func refusalOf(rule string) (refusal, bool) {
	for _, r := range refusals() {
		if r.Rule == rule {
			return r, true
		}
	}
	return refusal{}, false
}

// err is the error that Cognito shows to the person. Cognito puts "PreSignUp failed with
// error " before the text and a full stop after it, so the text ends without one.
func (r refusal) err(lang string) trigger.Refusal {
	return trigger.Refusal{Code: r.Code, Text: said()[r.Said][lang] + " (" + r.Said + ")"}
}
