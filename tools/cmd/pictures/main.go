// Command pictures draws the documentation's pictures from the templates, so that
// they cannot show what is not deployed: the architecture from the stacks, and the
// dashboard from its definition with the metrics of a local system.
//
//	go run ./tools/cmd/pictures                             # draw both again
//	. .local/env && go run ./tools/cmd/pictures -collect    # with new metrics
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"gatehouse.example/tools/stacks"
)

// folder is relative to the repository.
const folder = "docs/pictures"

func main() {
	fresh := flag.Bool("collect", false, "read the dashboard's metrics from the running local system first")
	flag.Parse()
	if err := realMain(context.Background(), *fresh); err != nil {
		fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context, fresh bool) error {
	root, err := stacks.FindRoot(".")
	if err != nil {
		return fmt.Errorf("stacks.FindRoot: %w", err)
	}
	dir := filepath.Join(root, filepath.FromSlash(folder))
	if fresh {
		if err := collect(ctx, filepath.Join(dir, "dashboard.json")); err != nil {
			return err
		}
	}
	drawn, err := draw(root, dir)
	for name, text := range drawn {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			return fmt.Errorf("os.WriteFile: %w", err)
		}
	}
	return err
}

// draw makes the pictures by file name.
func draw(root, dir string) (map[string][]byte, error) {
	all, err := stacks.Discover(root)
	if err != nil {
		return nil, fmt.Errorf("stacks.Discover: %w", err)
	}
	metrics, err := os.ReadFile(filepath.Join(dir, "dashboard.json"))
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	overview, err := architecture(all)
	if err != nil {
		return nil, err
	}
	board, err := dashboard(all, metrics)
	return map[string][]byte{"architecture.svg": overview, "dashboard.svg": board}, err
}
