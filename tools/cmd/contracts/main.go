// Command generate writes the catalogue. It runs in contracts/catalogue, where
// go generate starts it.
package main

import (
	"fmt"
	"os"

	"gatehouse.example/contracts/catalogue"
)

func main() {
	if err := realMain(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func realMain() error {
	files, err := catalogue.Files("..")
	if err != nil {
		return fmt.Errorf("catalogue.Files: %w", err)
	}
	for name, content := range files {
		if err := os.WriteFile(name, content, 0o644); err != nil {
			return fmt.Errorf("os.WriteFile: %w", err)
		}
	}
	return nil
}
