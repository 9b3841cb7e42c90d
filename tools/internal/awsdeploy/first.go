package awsdeploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/awsdeploy/plan"
	"gatehouse.example/tools/internal/awsdeploy/target"
	"gatehouse.example/tools/internal/progress"
	"gatehouse.example/tools/stacks"
)

// Emulator is where First works.
type Emulator struct {
	Config               aws.Config
	Account, Environment string
	Workspace            stacks.Workspace
	Board                *progress.Board
}

// First deploys the stacks that an environment lacks in the emulator, before its
// pipelines take over: the same steps as `gatehouse aws deploy`, without a question
// and without a look at what only an AWS account has.
func First(ctx context.Context, e Emulator) error {
	w := e.Workspace
	// One folder for all environments: they share what is built.
	w.Dir, w.Environment = filepath.Join(w.Dir, "aws"), e.Environment
	s := &session{
		workspace: w, out: os.Stdout, cf: cloudformation.NewFromConfig(e.Config),
		target: target.Target{Config: e.Config, Environment: e.Environment, Account: e.Account, Endpoint: aws.ToString(e.Config.BaseEndpoint)},
	}
	if err := s.choose(nil); err != nil {
		return err
	}
	if err := os.MkdirAll(w.LogDir(), 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	missing, err := s.missing(ctx)
	if err != nil {
		return err
	}
	if len(missing) == 0 {
		e.Board.Start(e.Environment, "").Done("its stacks are there, and its pipelines' business")
		return nil
	}
	e.Board.Print("\n" + e.Environment + ", for the first time")
	planned, err := plan.Maker{Workspace: w, CLI: s.cli, API: s.cf, Board: e.Board}.Make(ctx, missing)
	if err != nil {
		return fmt.Errorf("nothing was changed: %w", err)
	}
	for i, one := range planned {
		if err := s.deployOne(ctx, e.Board, one); err != nil {
			return fmt.Errorf("%w\n%s", err, stand(planned, i))
		}
	}
	return nil
}

// missing are the stacks that are not there.
func (s *session) missing(ctx context.Context) ([]plan.Stack, error) {
	var out []plan.Stack
	for _, one := range s.stacks {
		status, err := cfn.Status(ctx, s.cf, one.FullName)
		if err != nil {
			return nil, err
		}
		if status == "" {
			out = append(out, one)
		}
	}
	return out, nil
}
