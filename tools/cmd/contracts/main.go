// Command contracts writes the files of contracts/ that are derived from the
// events' schemas: `contracts catalogue` writes the catalogue, and `contracts
// release` keeps a copy of the schemas as released.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"gatehouse.example/contracts/catalogue"
	"gatehouse.example/tools/stacks"
)

func main() {
	if err := realMain(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "contracts:", err)
		os.Exit(1)
	}
}

func realMain(args []string) error {
	root, err := stacks.FindRoot(".")
	if err != nil {
		return fmt.Errorf("stacks.FindRoot: %w", err)
	}
	dir := filepath.Join(root, "contracts")
	if len(args) == 1 && args[0] == "catalogue" {
		return writeCatalogue(dir)
	}
	if len(args) == 1 && args[0] == "release" {
		return release(filepath.Join(dir, "schemas"))
	}
	return fmt.Errorf("usage: contracts catalogue|release")
}

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
