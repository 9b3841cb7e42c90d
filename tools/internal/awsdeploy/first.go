package awsdeploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/stacks"
)

// Emulator is an environment in the emulator.
type Emulator struct {
	Config               aws.Config
	Account, Environment string
	Workspace            stacks.Workspace
	Board                *terminal.Board
}

// First deploys the stacks that are missing in an environment of the emulator,
// before its pipelines take over. The steps are those of `gatehouse aws deploy`,
// without a question and without checks of the account.
func First(ctx context.Context, e Emulator) error {
	w := e.Workspace
	// All environments share one build folder.
	w.Dir, w.Environment = filepath.Join(w.Dir, "aws"), e.Environment
	s := &session{
		workspace: w, out: os.Stdout, cf: cloudformation.NewFromConfig(e.Config),
		target: target{config: e.Config, environment: e.Environment, account: e.Account, endpoint: aws.ToString(e.Config.BaseEndpoint)},
	}
	if err := s.choose(nil); err != nil {
		return err
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	exist, err := s.existing(ctx)
	if err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(s.stacks), func(one plannedStack) bool { return created(exist[one.Name]) })
	if len(missing) == 0 {
		e.Board.Start(e.Environment, "").Done("exists; its pipelines deploy to it")
		return nil
	}
	e.Board.Print("\n" + e.Environment + ", first deployment")
	planned, err := s.plan(ctx, e.Board, missing)
	if err != nil {
		return err
	}
	for i, one := range planned {
		if err := s.deployOne(ctx, e.Board, one); err != nil {
			return fmt.Errorf("%w\n%s", err, others(planned, i))
		}
	}
	return nil
}
