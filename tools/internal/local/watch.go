package local

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"gatehouse.example/tools/internal/layout"
	"gatehouse.example/tools/internal/watch"
	"gatehouse.example/tools/stacks"
)

// runWatch deploys every Go edit until ctx is done.
func runWatch(ctx context.Context, l layout.Layout, out *os.File) error {
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
