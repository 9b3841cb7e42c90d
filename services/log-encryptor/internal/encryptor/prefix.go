package encryptor

import (
	"slices"
	"strings"
)

// Prefixes select the log groups that a stack is responsible for: names with a
// prefix of Include and none of Exclude. An empty prefix selects nothing.
type Prefixes struct{ Include, Exclude []string }

// ParsePrefixes reads two comma-separated lists, as CloudFormation passes them.
func ParsePrefixes(include, exclude string) Prefixes {
	return Prefixes{Include: list(include), Exclude: list(exclude)}
}

func list(text string) []string {
	var out []string
	for part := range strings.SplitSeq(text, ",") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Covers reports whether a group of this name is selected.
func (p Prefixes) Covers(name string) bool {
	return startsWithAny(name, p.Include) && !startsWithAny(name, p.Exclude)
}

// Roots are the included prefixes without those that begin with another one, so
// that no group is listed twice.
func (p Prefixes) Roots() []string {
	var out []string
	for _, prefix := range slices.Sorted(slices.Values(p.Include)) {
		// In order, a prefix comes before everything that begins with it.
		if !startsWithAny(prefix, out) {
			out = append(out, prefix)
		}
	}
	return out
}

func startsWithAny(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}
