// Package disposable holds the domains of throw-away mailboxes: a dated copy of
// the curated list https://github.com/disposable-email-domains/disposable-email-domains
// (CC0), whose every entry was seen to be one, and beside it [Test]. SOURCE says
// which copy it is; `go run ./internal/disposable/refresh` takes a newer one.
package disposable

import (
	_ "embed"

	"gatehouse.example/contracts"
	"gatehouse.example/services/signup-guard/internal/domainset"
)

// Test is in the list so that a test can be refused by it, as virus scanners know
// the EICAR file. Nobody can have a mailbox there (docs/adr/0017).
const Test = "disposable." + contracts.SyntheticDomain

//go:embed domains.txt
var text string

//go:embed domains.idx
var index string

// List is the embedded list. Nothing is read or built before the first question.
func List() domainset.Set { return domainset.From(text, index) }

// Version is the date of the embedded list, as YYYY-MM-DD.
func Version() string { return date }
