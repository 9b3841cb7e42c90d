package check

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// Settings: samconfig.toml comes with addresses that are nobody's.
type Settings struct {
	Stack      string
	Parameters map[string]string
}

// Look implements Check.
func (c Settings) Look(context.Context) []Finding {
	var found []Finding
	for _, name := range slices.Sorted(maps.Keys(c.Parameters)) {
		if strings.Contains(c.Parameters[name], "example.com") {
			found = append(found, Finding{Warning, c.Stack, name + " is still the example's: " + c.Parameters[name], "put your own into its samconfig.toml"})
		}
	}
	return found
}
