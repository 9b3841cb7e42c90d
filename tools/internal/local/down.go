package local

import (
	"context"
	"fmt"
	"os"

	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/internal/terminal"
)

// down stops the local system and checks that no process and no open port
// remains. It may be called at any time.
func down(ctx context.Context, l supervisor.Layout, out *os.File) error {
	board := terminal.NewBoard(out)
	defer board.Close()
	task := board.Start("supervisor", "stopping")
	stopped, err := supervisor.Stop(ctx, l)
	if err != nil {
		task.Fail("not stopped")
		return fmt.Errorf("supervisor.Stop: %w", err)
	}
	// The names in it are no longer valid.
	if err := os.RemoveAll(l.EnvFile()); err != nil {
		return fmt.Errorf("os.RemoveAll: %w", err)
	}
	if stopped {
		task.Done("stopped")
	} else {
		task.Done("was not running")
	}
	return nil
}
