package local

import (
	"context"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"gatehouse.example/tools/internal/deploy"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/stacks"
)

// runWatch deploys every Go edit until ctx is done.
func runWatch(ctx context.Context, l supervisor.Layout, out *os.File) error {
	if _, err := running(l); err != nil {
		return err
	}
	all, err := stacks.Discover(l.Root)
	if err != nil {
		return fmt.Errorf("stacks.Discover: %w", err)
	}
	w := &deploy.Watcher{Layout: l, Stacks: all, Lambda: lambda.NewFromConfig(l.Config()), Out: out}
	if err := w.Run(ctx); err != nil {
		return fmt.Errorf("deploy.Watcher.Run: %w", err)
	}
	return nil
}
