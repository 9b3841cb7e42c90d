package local

import (
	"context"
	"os"

	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/internal/terminal"
)

// installTools installs the pinned Python tools and nothing else.
func installTools(ctx context.Context, l supervisor.Layout, out *os.File) error {
	board := terminal.NewBoard(out)
	defer board.Close()
	return ensureTools(ctx, l, board)
}
