// Command install installs the pinned Python tools as `gatehouse local tools`
// does, and what another file pins into another virtualenv. It links next to nothing, so that make can run it while the rest of the
// CLI is still being compiled on a machine without any cache.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"gatehouse.example/tools/internal/pythontools"
	"gatehouse.example/tools/stacks"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := realMain(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "gatehouse:", err)
		os.Exit(1)
	}
}

func realMain(ctx context.Context, args []string) error {
	if len(args) != 1 && len(args) != 3 {
		return fmt.Errorf("usage: install VIRTUALENV [ANOTHER REQUIREMENTS]")
	}
	w, err := stacks.OpenWorkspace("", args[0])
	if err != nil {
		return err
	}
	log, err := os.CreateTemp("", "gatehouse-tools-*.log")
	if err != nil {
		return fmt.Errorf("os.CreateTemp: %w", err)
	}
	defer func() { _ = log.Close() }()
	if err := install(ctx, w, args, log); err != nil {
		return fmt.Errorf("%w (log: %s)", err, log.Name())
	}
	return os.Remove(log.Name())
}

func install(ctx context.Context, w stacks.Workspace, args []string, log *os.File) error {
	ready, err := pythontools.Ready(w)
	if err != nil {
		return err
	}
	if !ready {
		fmt.Println("installing the Python tools into", args[0], "(once, about half a minute)")
		if err := pythontools.Ensure(ctx, w, log); err != nil {
			return fmt.Errorf("pythontools.Ensure: %w", err)
		}
		fmt.Println("installed the Python tools")
	}
	if len(args) == 1 {
		return nil
	}
	if err := pythontools.Another(ctx, w, args[1], args[2], log); err != nil {
		return fmt.Errorf("pythontools.Another: %w", err)
	}
	return nil
}
