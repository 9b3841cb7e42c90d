// Command install installs the pinned Python tools as `gatehouse local tools`
// does. It links next to nothing, so that make can run it while the rest of the
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
	if len(args) != 1 {
		return fmt.Errorf("usage: install VIRTUALENV")
	}
	w, err := stacks.OpenWorkspace("", args[0])
	if err != nil {
		return err
	}
	if ready, err := pythontools.Ready(w); ready || err != nil {
		return err
	}
	fmt.Println("installing the Python tools into", args[0], "(once, about a minute)")
	log, err := os.CreateTemp("", "gatehouse-tools-*.log")
	if err != nil {
		return fmt.Errorf("os.CreateTemp: %w", err)
	}
	defer func() { _ = log.Close() }()
	if err := pythontools.Ensure(ctx, w, log); err != nil {
		return fmt.Errorf("tools.Ensure: %w (log: %s)", err, log.Name())
	}
	fmt.Println("installed the Python tools")
	return os.Remove(log.Name())
}
