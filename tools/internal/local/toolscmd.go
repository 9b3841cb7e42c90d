package local

import (
	"context"
	"os"

	"gatehouse.example/tools/internal/layout"
	"gatehouse.example/tools/internal/progress"
)

// Tools installs the pinned Python tools, nothing else.
func Tools(ctx context.Context, l layout.Layout, out *os.File) error {
	board := progress.New(out)
	defer board.Close()
	return ensureTools(ctx, l, board)
}
