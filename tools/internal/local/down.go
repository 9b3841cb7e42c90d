package local

import (
	"context"
	"errors"
	"fmt"
	"os"

	"gatehouse.example/tools/internal/layout"
	"gatehouse.example/tools/internal/progress"
	"gatehouse.example/tools/internal/supervisor"
)

// Down stops the environment and checks that no process and no port is left.
// It may be called at any time.
func Down(ctx context.Context, l layout.Layout, out *os.File) error {
	board := progress.New(out)
	defer board.Close()
	task := board.Start("supervisor", "stopping")
	stopped, err := supervisor.Stop(ctx, l)
	if err != nil {
		task.Fail("not stopped")
		return fmt.Errorf("supervisor.Stop: %w", err)
	}
	// The names in it lead nowhere now.
	if err := os.Remove(l.EnvFile()); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("os.Remove: %w", err)
	}
	if stopped {
		task.Done("stopped")
	} else {
		task.Done("was not up")
	}
	return nil
}
