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
	"fmt"
	"slices"
	"strings"

	"gatehouse.example/contracts"
)

// Set is a set of domain names. The zero value is empty.
//
// It is sorted text, which a reviewer can read, and is searched as it is: nothing
// is built at a cold start. A map would need a millisecond for today's list.
type Set struct {
	// text has a name in each line, in order. A space and a remark may follow a name.
	text string
}

// NewSet makes a set of lower-case ASCII names of two or more labels, in any order.
func NewSet(names []string) (Set, error) {
	if len(names) == 0 {
		return Set{}, nil
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	for _, name := range names {
		if !strings.Contains(name, ".") {
			return Set{}, fmt.Errorf("domains: %q has only one label", name)
		}
	}
	return Set{text: strings.Join(names, "\n") + "\n"}, nil
}

// Match reports whether the name, in lower-case ASCII, or a parent of it is in
// the set.
func (s Set) Match(name string) bool {
	for strings.Contains(name, ".") { // a top-level domain alone is in no set
		if s.has(name) {
			return true
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return false
}

// First returns the index of the first set that matches the name, and -1 if none
// does.
func First(name string, sets ...Set) int {
	return slices.IndexFunc(sets, func(s Set) bool { return s.Match(name) })
}

// has searches the lines of the text for a name.
func (s Set) has(name string) bool {
	for low, high := 0, len(s.text); low < high; {
		middle := low + (high-low)/2
		start := low + strings.LastIndexByte(s.text[low:middle], '\n') + 1
		end := middle + strings.IndexByte(s.text[middle:], '\n')
		switch line, _, _ := strings.Cut(s.text[start:end], " "); {
		case line == name:
			return true
		case line < name:
			low = end + 1
		default:
			high = start
		}
	}
	return false
}

// Text is the sorted text, one name a line.
func (s Set) Text() string { return s.text }

// Names are all names, in order.
func (s Set) Names() []string {
	var names []string
	for line := range strings.Lines(s.text) {
		name, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		names = append(names, name)
	}
	return names
}

// Test is in the list so that a test can be refused by it, as virus scanners have
// the EICAR file. No mailbox can exist there (docs/adr/0017).
const Test = "disposable." + contracts.SyntheticDomain

//go:embed domains.txt
var text string

// Disposable is the embedded list of disposable domains.
func Disposable() Set { return Set{text: text} }

// Version is the date of the embedded list, as YYYY-MM-DD.
func Version() string { return date }
