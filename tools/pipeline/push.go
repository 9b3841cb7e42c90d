package pipeline

import (
	"fmt"
	"slices"

	"github.com/bmatcuk/doublestar/v4"
)

// Push is a push to the repository.
type Push struct {
	Branch string
	// Files are paths in the repository, separated by slashes.
	Files []string
}

// starts reports whether a push starts a pipeline: the branch and at least one
// file must match the same filter. A filter without patterns matches everything.
func (p Pipeline) starts(push Push) (bool, error) {
	for _, t := range p.Triggers {
		for _, filter := range t.GitConfiguration.Push {
			branch, err := matchesAny(filter.Branches, []string{push.Branch})
			if err != nil {
				return false, err
			}
			files, err := matchesAny(filter.FilePaths, push.Files)
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

// Started returns the names of the pipelines that a push starts, sorted.
func Started(all []Pipeline, push Push) ([]string, error) {
	var out []string
	for _, p := range all {
		starts, err := p.starts(push)
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

// matchesAny reports whether the patterns match at least one of the names.
func matchesAny(p Patterns, names []string) (bool, error) {
	if len(p.Includes) == 0 && len(p.Excludes) == 0 {
		return true, nil
	}
	for _, name := range names {
		in, err := p.Match(name)
		if err != nil || in {
			return in, err
		}
	}
	return false, nil
}

// Match reports whether the patterns match a name. Without inclusions every name
// matches that is not excluded.
func (p Patterns) Match(name string) (bool, error) {
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
