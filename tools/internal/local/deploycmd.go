package local

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/tools/internal/deploy"
	"gatehouse.example/tools/internal/envfile"
	"gatehouse.example/tools/internal/layout"
	"gatehouse.example/tools/internal/lockfile"
	"gatehouse.example/tools/internal/progress"
	"gatehouse.example/tools/stacks"
)

// Deploy brings the named stacks, or all, to the running environment; no other
// stack is touched.
func Deploy(ctx context.Context, l layout.Layout, names []string, out *os.File) error {
	board := progress.New(out)
	defer board.Close()
	all, err := stacks.Discover(l.Root)
	if err != nil {
		return fmt.Errorf("stacks.Discover: %w", err)
	}
	return deployAll(ctx, l, all, names, board)
}

func deployAll(ctx context.Context, l layout.Layout, all []stacks.Stack, names []string, board *progress.Board) error {
	state, err := running(l)
	if err != nil {
		return err
	}
	unlock, err := lockfile.Try(l.DeployLock())
	if errors.Is(err, lockfile.ErrHeld) {
		return fmt.Errorf("another deployment is under way in %s; wait until it is done", l.Dir)
	}
	if err != nil {
		return fmt.Errorf("lockfile.Try: %w", err)
	}
	defer unlock()
	chosen, err := choose(l.Root, all, names)
	if err != nil {
		return err
	}
	graph, err := stacks.NewGraph(all)
	if err != nil {
		return fmt.Errorf("stacks.NewGraph: %w", err)
	}
	d, err := deploy.New(ctx, l, state.Instance, board)
	if err != nil {
		return fmt.Errorf("deploy.New: %w", err)
	}
	runErr := d.Run(ctx, chosen, graph)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// Even after a failure: what was deployed can be used.
	cfg := l.Config()
	if err := envfile.Write(ctx, ssm.NewFromConfig(cfg), cognitoidentityprovider.NewFromConfig(cfg), l); err != nil {
		return errors.Join(runErr, fmt.Errorf("envfile.Write: %w", err))
	}
	return runErr
}
