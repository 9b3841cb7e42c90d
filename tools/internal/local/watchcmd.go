package local

import (
	"context"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"gatehouse.example/tools/internal/layout"
	"gatehouse.example/tools/internal/watch"
	"gatehouse.example/tools/stacks"
)

// Watch puts every Go edit live until ctx is done.
func Watch(ctx context.Context, l layout.Layout, out io.Writer) error {
	if _, err := running(l); err != nil {
		return err
	}
	all, err := stacks.Discover(l.Root)
	if err != nil {
		return fmt.Errorf("stacks.Discover: %w", err)
	}
	w := &watch.Watcher{Layout: l, Stacks: all, Lambda: lambda.NewFromConfig(l.Config()), Out: out}
	if err := w.Run(ctx); err != nil {
		return fmt.Errorf("watch.Watcher.Run: %w", err)
	}
	return nil
}
