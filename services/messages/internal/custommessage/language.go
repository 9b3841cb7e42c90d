package custommessage

import (
	"slices"
	"strings"
)

// fallback is the language of people whose own is not known or not translated.
const fallback = "en"

// Languages are those that all messages exist in.
func Languages() []string { return []string{"de", "en", "es", "fr", "ja"} }

// Language is the first of the wishes that messages exist in, or English. A wish is a tag
// such as "de", "de-AT" or "de_AT", of which the language counts.
func Language(wishes ...string) string {
	for _, wish := range wishes {
		primary := strings.ToLower(wish)
		if end := strings.IndexAny(primary, "-_"); end >= 0 {
			primary = primary[:end]
		}
		if slices.Contains(Languages(), primary) {
			return primary
		}
	}
	return fallback
}
