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

// refusal is one line of the table of why an address is turned away and what the
// person reads.
type refusal struct {
	// Rule is unique.
	Rule string
	// Code is stable and for programs: the reason in events and metrics.
	Code string
	// When says which addresses are refused.
	When string
	// Text is what the person reads.
	Text string
}

const (
	invalid = "Please enter a valid email address"
	other   = "This email address cannot be used here. Please use another one"
	mixed   = "This email address mixes letters that look alike. Please use another one"
	role    = "Please use a personal email address"
)

// refusals lists every refusal. Everything that a refused person reads is here.
//
// Cognito puts "PreSignUp failed with error " before the text and a full stop after
// it, so the texts end without one. They are the same for a denied and a listed
// domain: only the operator should know which list it was, and finds it in the event.
func refusals() []refusal {
	return []refusal{
		{ruleAddressSyntax, "address-invalid", "not exactly one plain address: comments, names, quotes, encoded words, routes, invisible characters", invalid},
		{ruleAddressLength, "address-invalid", "longer than 254 octets, or 64 before the @", invalid},
		{ruleDomainSyntax, "address-invalid", "not a public domain name: one label, an IP address, a final dot", invalid},
		{ruleMixedScripts, "address-lookalike", "letters of several alphabets, or of one that imitates another", mixed},
		{ruleReservedName, "address-reserved", "a name such as admin or postmaster", role},
		{ruleDenyEntry, "domain-denied", "the domain or a parent is in DenyDomains", other},
		{ruleDisposableList, "domain-disposable", "the domain or a parent is in the disposable list", other},
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

// err is the error that Cognito shows to the person.
func (r refusal) err() trigger.Refusal {
	return trigger.Refusal{Code: r.Code, Text: r.Text}
}
