package main

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"gatehouse.example/contracts/catalogue"
	"gatehouse.example/contracts/schemas"
)

func writeCatalogue(dir string) error {
	files, err := catalogue.Files(dir)
	if err != nil {
		return fmt.Errorf("catalogue.Files: %w", err)
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, "catalogue", name), content, 0o644); err != nil {
			return fmt.Errorf("os.WriteFile: %w", err)
		}
	}
	return nil
}

// releaseSchemas keeps the schemas as they are now, for builds to compare with. It is part
// of every release, and refuses a change that breaks readers of the last one.
func releaseSchemas(dir string) error {
	broken, err := schemas.BrokenSince(os.DirFS(dir))
	if err != nil {
		return fmt.Errorf("schemas.BrokenSince: %w", err)
	}
	for typ, changes := range broken {
		return fmt.Errorf("%s breaks its readers: %s; keep it as it was and add a new version next to it", typ, changes[0])
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return fmt.Errorf("os.OpenRoot: %w", err)
	}
	defer func() { _ = root.Close() }()
	files, err := fs.Glob(root.FS(), "*.json")
	if err != nil {
		return fmt.Errorf("fs.Glob: %w", err)
	}
	for _, file := range files {
		raw, err := root.ReadFile(file)
		if err != nil {
			return fmt.Errorf("os.Root.ReadFile: %w", err)
		}
		if err := root.WriteFile(filepath.Join(schemas.Released, file), raw, 0o600); err != nil {
			return fmt.Errorf("os.Root.WriteFile: %w", err)
		}
	}
	fmt.Printf("%d schemas copied: commit %s with the release\n", len(files), filepath.Join(dir, schemas.Released))
	return nil
}
