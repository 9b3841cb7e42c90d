// Package env reads what a function's template puts into its environment, and
// says which variable is missing instead of failing later without a name.
package env

import (
	"fmt"
	"maps"
	"slices"
)

// Read fills each target from the variable of its name.
func Read(getenv func(string) string, targets map[string]*string) error {
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		if *targets[name] = getenv(name); *targets[name] == "" {
			return fmt.Errorf("environment variable %s is not set", name)
		}
	}
	return nil
}
