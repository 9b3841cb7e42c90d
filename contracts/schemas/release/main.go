// Command release keeps the schemas as they are now, for the builds to compare
// with: what is released, readers rely on. It is part of every release, and
// refuses a change that breaks readers of the last one.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"gatehouse.example/contracts/schemas"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: release contracts/schemas")
		os.Exit(2)
	}
	if err := release(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func release(dir string) error {
	broken, err := schemas.BrokenSince(os.DirFS(dir))
	if err != nil {
		return fmt.Errorf("schemas.BrokenSince: %w", err)
	}
	for typ, changes := range broken {
		return fmt.Errorf("%s breaks its readers: %s; keep it as it was and put a new version beside it", typ, changes[0])
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return fmt.Errorf("filepath.Glob: %w", err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("os.ReadFile: %w", err)
		}
		if err := os.WriteFile(filepath.Join(dir, schemas.Released, filepath.Base(file)), raw, 0o600); err != nil {
			return fmt.Errorf("os.WriteFile: %w", err)
		}
	}
	fmt.Printf("%d schemas released: commit %s with the release\n", len(files), filepath.Join(dir, schemas.Released))
	return nil
}
