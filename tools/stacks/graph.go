package stacks

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
)

// Discover reads the stacks of the system: a folder with a template.yaml is one. The
// services are first, in the order of their names.
func Discover(root string) ([]Stack, error) { return discover(root, "services/*", "platform") }

// Examples reads the example stacks, which represent the stacks of other teams. They
// are not part of the system.
func Examples(root string) ([]Stack, error) { return discover(root, "examples/*") }

func discover(root string, folders ...string) ([]Stack, error) {
	var all []Stack
	for _, folder := range folders {
		templates, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(folder), "template.yaml"))
		if err != nil {
			return nil, fmt.Errorf("filepath.Glob: %w", err)
		}
		for _, path := range templates {
			s, err := Read(filepath.Dir(path))
			if err != nil {
				return nil, err
			}
			if s.Folder, err = relative(root, s.Dir); err != nil {
				return nil, err
			}
			all = append(all, s)
		}
	}
	return all, nil
}

// Graph maps each stack's name to the names of those that it reads from.
type Graph map[string][]string

// NewGraph derives the graph and refuses one that cannot be deployed: a name
// that nobody or more than one writes, or a cycle.
func NewGraph(all []Stack) (Graph, error) {
	writer := map[string]string{}
	for _, s := range all {
		for _, name := range s.Writes {
			if other, taken := writer[name]; taken {
				return nil, fmt.Errorf("both %s and %s write the SSM name %s", other, s.Name, name)
			}
			writer[name] = s.Name
		}
	}
	g := Graph{}
	for _, s := range all {
		g[s.Name] = nil
		for _, name := range s.Reads {
			from, ok := writer[name]
			if !ok {
				return nil, fmt.Errorf("%s reads the SSM name %s, which no template writes", s.Name, name)
			}
			if from != s.Name && !slices.Contains(g[s.Name], from) {
				g[s.Name] = append(g[s.Name], from)
			}
		}
		slices.Sort(g[s.Name])
	}
	if _, err := g.Levels(); err != nil {
		return nil, err
	}
	return g, nil
}

// Levels groups the names so that each reads from earlier groups only.
func (g Graph) Levels() ([][]string, error) {
	done := map[string]bool{}
	var levels [][]string
	for len(done) < len(g) {
		var level []string
		for name, needs := range g {
			ready := !slices.ContainsFunc(needs, func(n string) bool { return !done[n] })
			if !done[name] && ready {
				level = append(level, name)
			}
		}
		if len(level) == 0 {
			cycle := slices.DeleteFunc(slices.Sorted(maps.Keys(g)), func(name string) bool { return done[name] })
			return nil, fmt.Errorf("the stacks read each other's SSM names in a cycle: %s", strings.Join(cycle, ", "))
		}
		slices.Sort(level)
		for _, name := range level {
			done[name] = true
		}
		levels = append(levels, level)
	}
	return levels, nil
}
