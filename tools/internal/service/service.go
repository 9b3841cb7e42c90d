// Package service finds what a pipeline builds: a folder with a template, and
// the Go modules whose tests belong to it.
package service

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"gatehouse.example/tools/stacks"
)

// Service is one stack with a pipeline of its own.
type Service struct {
	Stack stacks.Stack
	// Modules are folders, relative to the repository.
	Modules []string
}

// Find looks a service up by its name.
func Find(root, name string) (Service, error) {
	all, err := stacks.Discover(root)
	if err != nil {
		return Service{}, fmt.Errorf("stacks.Discover: %w", err)
	}
	var names []string
	for _, s := range all {
		if s.Name == name {
			modules, err := modules(root, s)
			return Service{Stack: s, Modules: modules}, err
		}
		names = append(names, s.Name)
	}
	return Service{}, fmt.Errorf("there is no service %q; say SERVICE= and one of %s", name, strings.Join(names, ", "))
}

// modules are the stack's own Go module and those of this repository that its
// go.mod replaces. A stack without Go code has none.
func modules(root string, s stacks.Stack) ([]string, error) {
	raw, err := os.ReadFile(filepath.Join(s.Dir, "go.mod"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	file, err := modfile.Parse("go.mod", raw, nil)
	if err != nil {
		return nil, fmt.Errorf("modfile.Parse: %w", err)
	}
	dirs := []string{s.Dir}
	for _, r := range file.Replace {
		dirs = append(dirs, filepath.Join(s.Dir, filepath.FromSlash(r.New.Path)))
	}
	if root, err = filepath.Abs(root); err != nil {
		return nil, fmt.Errorf("filepath.Abs: %w", err)
	}
	var found []string
	for _, dir := range dirs {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return nil, fmt.Errorf("filepath.Abs: %w", err)
		}
		rel, err := filepath.Rel(root, dir)
		if err != nil {
			return nil, fmt.Errorf("filepath.Rel: %w", err)
		}
		found = append(found, filepath.ToSlash(rel))
	}
	slices.Sort(found)
	return found, nil
}
