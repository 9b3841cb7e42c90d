package stacks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// Find returns the stack of a service.
func Find(root, name string) (Stack, error) {
	all, err := Discover(root)
	if err != nil {
		return Stack{}, err
	}
	var names []string
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Stack{}, fmt.Errorf("no service is named %q; set SERVICE= to one of %s", name, strings.Join(names, ", "))
}

// Modules returns the folders, relative to root, of the stack's own Go module and of
// the modules of this repository that its go.mod replaces. A stack without Go code
// has none.
func (s Stack) Modules(root string) ([]string, error) {
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
	var found []string
	for _, dir := range dirs {
		rel, err := relative(root, dir)
		if err != nil {
			return nil, err
		}
		found = append(found, rel)
	}
	slices.Sort(found)
	return found, nil
}

// relative returns a path below root with slashes.
func relative(root, path string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", fmt.Errorf("filepath.Abs: %w", err)
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return "", fmt.Errorf("filepath.Rel: %w", err)
	}
	return filepath.ToSlash(rel), nil
}
