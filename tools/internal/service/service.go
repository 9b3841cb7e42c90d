// Package service finds what a pipeline builds: a folder with a template, and
// the Go modules whose tests belong to it.
package service

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gatehouse.example/tools/stacks"
)

// Shared is the module that every service's code imports; its tests are run
// with each of them.
const Shared = "contracts"

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

// modules are those in the stack's folder. What only a laptop runs, the local
// system below platform/, is tested by `make test` and no pipeline.
func modules(root string, s stacks.Stack) ([]string, error) {
	found := []string{Shared}
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, fmt.Errorf("filepath.Abs: %w", err)
	}
	err = filepath.WalkDir(s.Dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path == filepath.Join(s.Dir, "local"):
			return fs.SkipDir
		case d.Name() == "go.mod":
			rel, err := filepath.Rel(root, filepath.Dir(path))
			found = append(found, filepath.ToSlash(rel))
			return err
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("filepath.WalkDir: %w", err)
	}
	if _, err := os.Stat(filepath.Join(root, Shared, "go.mod")); errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s is no module any more: name its successor in tools/internal/service", Shared)
	}
	slices.Sort(found)
	return found, nil
}
