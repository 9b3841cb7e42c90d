package function

import (
	"fmt"
	"maps"
	"slices"
)

// ReadEnv sets each target to the environment variable of its name. It says which
// one is missing, instead of failing later without a name.
func ReadEnv(getenv func(string) string, targets map[string]*string) error {
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		if *targets[name] = getenv(name); *targets[name] == "" {
			return fmt.Errorf("environment variable %s is not set", name)
		}
	}
	return nil
}
