// Package local is `gatehouse local`: it runs all of Gatehouse on one machine. It
// starts the emulator and the proxy, deploys every stack with the real SAM CLI and
// writes the environment variables for clients to a file.
package local

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gatehouse.example/tools/stacks"
)

// choose finds the named stacks. A name is a service, "platform" or a folder with a
// template.
func choose(root string, all []stacks.Stack, names []string) ([]stacks.Stack, error) {
	if len(names) == 0 {
		return all, nil
	}
	var chosen []stacks.Stack
	for _, name := range names {
		s, err := find(root, all, name)
		if err != nil {
			return nil, err
		}
		chosen = append(chosen, s)
	}
	return chosen, nil
}

func find(root string, all []stacks.Stack, name string) (stacks.Stack, error) {
	var known []string
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		known = append(known, s.Name)
	}
	for _, dir := range []string{name, filepath.Join(root, name)} {
		if _, err := os.Stat(filepath.Join(dir, "template.yaml")); err == nil {
			return stacks.Read(dir)
		}
	}
	return stacks.Stack{}, fmt.Errorf("no stack %q; the stacks are %v, and any folder with a template.yaml", name, known)
}

// overrides reads the parameters of a command, each Name=value.
func overrides(given []string) (map[string]string, error) {
	out := map[string]string{}
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("--parameter %s: not Name=value", text)
		}
		out[name] = value
	}
	return out, nil
}

// declared refuses a parameter that none of the stacks has: a misspelled one would change
// nothing.
func declared(parameters map[string]string, chosen []stacks.Stack) error {
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if !slices.ContainsFunc(chosen, func(s stacks.Stack) bool { return slices.Contains(s.Parameters, name) }) {
			return fmt.Errorf("--parameter %s: no stack to be deployed has this parameter", name)
		}
	}
	return nil
}
