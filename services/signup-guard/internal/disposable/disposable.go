// Package disposable holds the domains of throw-away mailboxes: a dated copy of
// the curated list https://github.com/disposable-email-domains/disposable-email-domains
// (CC0), whose every entry was seen to be one. SOURCE says which copy it is;
// `go run ./internal/disposable/refresh` takes a newer one.
package disposable

import (
	_ "embed"

	"gatehouse.example/services/signup-guard/internal/domainset"
)

//go:embed domains.txt
var text string

//go:embed domains.idx
var index string

// List is the embedded list. Nothing is read or built before the first question.
func List() domainset.Set { return domainset.From(text, index) }

// Version is the date of the embedded list, as YYYY-MM-DD.
func Version() string { return date }
