// Package trigger says which pushes start a pipeline.
//
// It is one place for all that ask: the rule that every input of a service starts
// its pipeline, and the tool that tells which pipelines a change would start.
package trigger

import (
	"fmt"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"gatehouse.example/tools/definition"
)

// Push is what somebody pushed.
type Push struct {
	Branch string
	// Files are paths in the repository, with slashes.
	Files []string
}

// Starts says whether a push starts a pipeline: one of its filters has to take the
// branch and at least one file. A filter without patterns takes everything.
func Starts(p definition.Pipeline, push Push) (bool, error) {
	for _, t := range p.Triggers {
		for _, filter := range t.GitConfiguration.Push {
			branch, err := takes(filter.Branches, []string{push.Branch})
			if err != nil {
				return false, err
			}
			files, err := takes(filter.FilePaths, push.Files)
			if err != nil {
				return false, err
			}
			if branch && files {
				return true, nil
			}
		}
	}
	return false, nil
}

// Started are the names of the pipelines that a push starts, in order.
func Started(all []definition.Pipeline, push Push) ([]string, error) {
	var out []string
	for _, p := range all {
		starts, err := Starts(p, push)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		if starts {
			out = append(out, p.Name)
		}
	}
	slices.Sort(out)
	return out, nil
}

// takes says whether the patterns take one of the names.
func takes(p definition.Patterns, names []string) (bool, error) {
	if len(p.Includes) == 0 && len(p.Excludes) == 0 {
		return true, nil
	}
	for _, name := range names {
		in, err := Match(p, name)
		if err != nil || in {
			return in, err
		}
	}
	return false, nil
}

// Match says whether patterns take a name. An exclusion wins, and without an
// inclusion everything else is included.
func Match(p definition.Patterns, name string) (bool, error) {
	out, err := matchesOne(p.Excludes, name)
	if err != nil || out {
		return false, err
	}
	if len(p.Includes) == 0 {
		return true, nil
	}
	return matchesOne(p.Includes, name)
}

func matchesOne(patterns []string, name string) (bool, error) {
	for _, pattern := range patterns {
		ok, err := doublestar.Match(pattern, name)
		if err != nil {
			return false, fmt.Errorf("doublestar.Match %q: %w", pattern, err)
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}
