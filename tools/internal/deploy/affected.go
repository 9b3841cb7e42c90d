package deploy

import (
	"context"
	"path/filepath"
	"slices"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// target is one function and the folders with its source.
type target struct {
	stack    stacks.Stack
	function stacks.Function
	folders  []string
}

// targets lists every function. A function that does not compile keeps its earlier
// folders, so that the next edit is noticed.
func targets(ctx context.Context, all []stacks.Stack, before []target) ([]target, error) {
	var list []target
	var first error
	for _, s := range all {
		for _, f := range s.Functions {
			t := target{stack: s, function: f}
			packages, err := sam.Packages(ctx, s, f.CodeURI)
			if err != nil && first == nil {
				first = err
			}
			for _, p := range packages {
				if len(p.Paths()) > 0 {
					t.folders = append(t.folders, p.Dir)
				}
				for _, path := range p.Paths() { // embedded files may be in subfolders, go.mod in a parent
					t.folders = append(t.folders, filepath.Dir(path))
				}
			}
			slices.Sort(t.folders)
			t.folders = slices.Compact(t.folders)
			if err != nil {
				t.folders = foldersBefore(before, f.Name)
			}
			list = append(list, t)
		}
	}
	return list, first
}

func foldersBefore(before []target, name string) []string {
	for _, t := range before {
		if t.function.Name == name {
			return t.folders
		}
	}
	return nil
}

// affected are the targets that a changed file is compiled into.
func affected(list []target, changed []string) []target {
	var hit []target
	for _, t := range list {
		if slices.ContainsFunc(changed, func(path string) bool {
			return slices.Contains(t.folders, filepath.Dir(path))
		}) {
			hit = append(hit, t)
		}
	}
	return hit
}
