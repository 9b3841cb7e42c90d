// Package domains knows which email domains are disposable or belong to a privacy
// relay, and finds a domain, or a parent of it, in a list.
//
// The list of disposable domains is a dated copy of the curated list
// https://github.com/disposable-email-domains/disposable-email-domains (CC0), and
// [Test]. The file SOURCE says which copy it is; `go run ./internal/domains/refresh`
// fetches a newer one.
package domains

import (
	_ "embed"

	"gatehouse.example/contracts"
)

// Test is in the list so that a test can be refused by it, as virus scanners have
// the EICAR file. No mailbox can exist there (docs/adr/0017).
const Test = "disposable." + contracts.SyntheticDomain

//go:embed domains.txt
var text string

// Disposable is the embedded list of disposable domains.
func Disposable() Set { return Set{text: text} }

// Version is the date of the embedded list, as YYYY-MM-DD.
func Version() string { return date }
