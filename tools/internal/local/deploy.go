package local

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/tools/internal/deploy"
	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/stacks"
)

// deployNamed deploys the named stacks, or all, to the running local system. It
// changes no other stack.
func deployNamed(ctx context.Context, l supervisor.Layout, names []string, out *os.File) error {
	board := terminal.NewBoard(out)
	defer board.Close()
	all, err := stacks.Discover(l.Root)
	if err != nil {
		return fmt.Errorf("stacks.Discover: %w", err)
	}
	return deployAll(ctx, l, all, names, board)
}

func deployAll(ctx context.Context, l supervisor.Layout, all []stacks.Stack, names []string, board *terminal.Board) error {
	state, err := supervisor.Ready(l)
	if err != nil {
		return err
	}
	unlock, err := files.TryLock(l.DeployLock())
	if errors.Is(err, files.ErrLocked) {
		return fmt.Errorf("another deployment is in progress in %s; wait until it ends", l.Dir)
	}
	if err != nil {
		return fmt.Errorf("files.TryLock: %w", err)
	}
	defer unlock()
	chosen, err := choose(l.Root, all, names)
	if err != nil {
		return err
	}
	if err := declared(l.Parameters, chosen); err != nil {
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
	l.HTTPS = state.HTTPS
	// Even after a failure: what was deployed can be used.
	cfg := l.Config()
	if err := writeEnvFile(ctx, ssm.NewFromConfig(cfg), cognitoidentityprovider.NewFromConfig(cfg), l); err != nil {
		return errors.Join(runErr, fmt.Errorf("writeEnvFile: %w", err))
	}
	return runErr
}

func runWatch(ctx context.Context, l supervisor.Layout, out *os.File) error {
	if _, err := supervisor.Ready(l); err != nil {
		return err
	}
	all, err := stacks.Discover(l.Root)
	if err != nil {
		return fmt.Errorf("stacks.Discover: %w", err)
	}
	w := &deploy.Watcher{Layout: l, Stacks: all, Lambda: lambda.NewFromConfig(l.Config()), Out: out}
	return w.Run(ctx)
}
