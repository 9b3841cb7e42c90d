package edge

import (
	"context"
	"log/slog"
)

type tail struct {
	up  *upstream
	dir string
	log *slog.Logger
}

func newTail(up *upstream, dir string, log *slog.Logger) *tail {
	return &tail{up: up, dir: dir, log: log}
}

func (t *tail) run(ctx context.Context) { <-ctx.Done() }
