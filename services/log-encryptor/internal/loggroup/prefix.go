// Package prefix decides by its name whether a log group is one that the rule
// and the sweep look after.
package prefix

import (
	"slices"
	"strings"
)

// Set is what a stack looks after: names with a prefix of Include and with none
// of Exclude. The empty prefix, which every name has, is never one.
type Set struct{ Include, Exclude []string }

// Parse reads two lists with commas, as CloudFormation hands them on.
func Parse(include, exclude string) Set {
	return Set{Include: list(include), Exclude: list(exclude)}
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

// Covers says whether a group of this name is looked after.
func (s Set) Covers(name string) bool {
	return startsWithAny(name, s.Include) && !startsWithAny(name, s.Exclude)
}

// Roots are the included prefixes without those that another one covers already,
// so that no group is listed twice.
func (s Set) Roots() []string {
	var out []string
	for _, p := range slices.Sorted(slices.Values(s.Include)) {
		// Sorted, a prefix stands before everything that begins with it.
		if !startsWithAny(p, out) {
			out = append(out, p)
		}
	}
	return out
}

func startsWithAny(name string, prefixes []string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}
