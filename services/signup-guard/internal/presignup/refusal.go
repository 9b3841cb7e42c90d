// Package refusal is the one table of why an address is turned away and what
// the person is told. Everything that a refused person sees stands here.
//
// Cognito puts "PreSignUp failed with error " before the text and a full stop
// behind it, so the texts end without one. They are the same for a denied and a
// listed domain: which list it was is nobody's business but the operator's, who
// finds it in the event.
package refusal

import "gatehouse.example/lambdakit/trigger"

// Rules, as the event names them.
const (
	AddressSyntax  = "address-syntax"
	AddressLength  = "address-length"
	DomainSyntax   = "domain-syntax"
	MixedScripts   = "mixed-scripts"
	ReservedName   = "reserved-name"
	DenyEntry      = "deny-entry"
	DisposableList = "disposable-list"
)

// Entry is one line of the table.
type Entry struct {
	// Rule that refused; unique.
	Rule string
	// Code is stable and for machines: the reason in events and metrics.
	Code string
	// When says which addresses it is about.
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

// Table lists every refusal.
func Table() []Entry {
	return []Entry{
		{AddressSyntax, "address-invalid", "not exactly one plain address: comments, names, quotes, invisible characters", invalid},
		{AddressLength, "address-invalid", "longer than 254 octets, or 64 before the @", invalid},
		{DomainSyntax, "address-invalid", "no public domain name: one label, an IP address, a final dot", invalid},
		{MixedScripts, "address-lookalike", "letters of several alphabets, or of one that imitates another", mixed},
		{ReservedName, "address-reserved", "a name such as admin or postmaster", role},
		{DenyEntry, "domain-denied", "the domain or a parent is in DenyDomains", other},
		{DisposableList, "domain-disposable", "the domain or a parent is in the disposable list", other},
	}
}

// For gives the entry of a rule.
func For(rule string) (Entry, bool) {
	for _, e := range Table() {
		if e.Rule == rule {
			return e, true
		}
	}
	return Entry{}, false
}

// Refusal is the error that Cognito shows to the person.
func (e Entry) Refusal() trigger.Refusal {
	return trigger.Refusal{Code: e.Code, Text: e.Text}
}
