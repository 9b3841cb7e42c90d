// Package language chooses the language in which a person is addressed, for every text
// that a function writes.
package language

import (
	"slices"
	"strings"
)

// fallback is the language of people whose own is not known or not translated.
const fallback = "en"

// All are the languages that every text exists in.
func All() []string { return []string{"de", "en", "es", "fr", "ja"} }

// Of is the first of the wishes that texts exist in, or English. A wish is a tag such as
// "de", "de-AT" or "de_AT", of which the language counts. Wishes are, in this order, the
// user's attribute locale, and locale and lang of the client's metadata.
func Of(wishes ...string) string {
	for _, wish := range wishes {
		primary := strings.ToLower(wish)
		if end := strings.IndexAny(primary, "-_"); end >= 0 {
			primary = primary[:end]
		}
		if slices.Contains(All(), primary) {
			return primary
		}
	}
	return fallback
}
