package pipeline

import (
	"errors"
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

// Started returns the names of the pipelines that a push starts, sorted. The branch
// and at least one file must match the same filter.
func Started(all []Pipeline, push Push) ([]string, error) {
	var out []string
	for _, p := range all {
		for _, t := range p.Triggers {
			for _, filter := range t.GitConfiguration.Push {
				branch, branchErr := filter.Branches.matchAny([]string{push.Branch})
				files, filesErr := filter.FilePaths.matchAny(push.Files)
				if err := errors.Join(branchErr, filesErr); err != nil {
					return nil, fmt.Errorf("%s: %w", p.Name, err)
				}
				if branch && files {
					out = append(out, p.Name)
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// matchAny reports whether the patterns match at least one of the names. A filter
// without patterns matches everything.
func (p Patterns) matchAny(names []string) (bool, error) {
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
	excluded, err := matchesOne(p.Excludes, name)
	if err != nil || excluded || len(p.Includes) == 0 {
		return err == nil && !excluded, err
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
