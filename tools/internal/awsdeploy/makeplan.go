package plan

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/dataloss"
	"gatehouse.example/tools/internal/gobuild"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// atOnce is how many stacks are built and compared at a time. Each build itself
// compiles in parallel.
const atOnce = 2

// Maker makes a plan.
type Maker struct {
	Workspace stacks.Workspace
	// CLI returns a SAM CLI with valid keys.
	CLI   func(context.Context) (sam.CLI, error)
	API   *cloudformation.Client
	Board *terminal.Board
}

// Read reads the environment's settings of each stack from its samconfig.toml.
func Read(all []stacks.Stack, environment string, overrides map[string]string) ([]Stack, error) {
	var read []Stack
	for _, s := range all {
		cfg, err := sam.ReadConfig(s.Samconfig(), environment)
		if err != nil {
			return nil, fmt.Errorf("sam.ReadConfig: %w", err)
		}
		if want := "gatehouse-" + environment + "-" + s.Name; cfg.StackName != want {
			return nil, fmt.Errorf("%s: [%s.deploy.parameters] must contain stack_name = %q, not %q", s.Samconfig(), environment, want, cfg.StackName)
		}
		if got := cfg.Parameters["Environment"]; got != environment {
			return nil, fmt.Errorf("%s: [%s.deploy.parameters] must contain Environment=%s, not %q", s.Samconfig(), environment, environment, got)
		}
		cfg.Parameters = sam.Merge(cfg.Parameters, overrides, s.Parameters)
		read = append(read, Stack{Stack: s, FullName: cfg.StackName, Config: cfg})
	}
	return read, nil
}

// Make builds each stack and finds out what its deployment would change.
func (m Maker) Make(ctx context.Context, all []Stack) ([]Stack, error) {
	made := slices.Clone(all)
	errs := make([]error, len(made))
	slots := make(chan struct{}, atOnce)
	var working sync.WaitGroup
	for i := range made {
		working.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if ctx.Err() == nil {
				errs[i] = m.one(ctx, &made[i])
			}
		})
	}
	working.Wait()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return made, nil
}

func (m Maker) one(ctx context.Context, s *Stack) error {
	task := m.Board.Start(s.Name, "building")
	err := m.compare(ctx, s, task)
	if err != nil {
		task.Fail("no plan")
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	task.Done(string(s.Kind))
	return nil
}

func (m Maker) compare(ctx context.Context, s *Stack, task *terminal.Task) error {
	log, err := os.Create(m.Workspace.Log("plan-" + s.Name))
	if err != nil {
		return fmt.Errorf("os.Create: %w", err)
	}
	defer func() { _ = log.Close() }()
	cli, err := m.CLI(ctx)
	if err != nil {
		return err
	}
	if len(s.Functions) > 0 {
		if err := m.build(ctx, cli, s, log); err != nil {
			return err
		}
	}
	task.Step("comparing")
	status, err := cfn.Status(ctx, m.API, s.FullName)
	if err != nil {
		return err
	}
	if status == "" || status == types.StackStatusReviewInProgress {
		s.Kind = New
		return nil
	}
	s.Changes, s.Report, err = changes(ctx, m.API, dataloss.Finder{API: m.API}.Find, s.FullName, func() error {
		if err := cli.Deploy(ctx, sam.Deployment{Stack: s.Stack, Config: s.Config, Name: s.FullName, PlanOnly: true}, log); err != nil {
			return fmt.Errorf("%w\n%s", err, sam.LogEnd(log.Name()))
		}
		return nil
	})
	s.Kind = Unchanged
	if len(s.Changes) > 0 {
		s.Kind = Changed
	}
	slices.SortFunc(s.Changes, func(a, b Change) int { return strings.Compare(a.ID, b.ID) })
	return err
}

// build does nothing if the stack was already built from the same inputs. Only the
// parameter Architecture affects the build, so environments can share it.
func (m Maker) build(ctx context.Context, cli sam.CLI, s *Stack, log *os.File) error {
	fingerprint, err := gobuild.Fingerprint(ctx, s.Stack, s.Config.Parameters["Architecture"])
	if err != nil {
		return fmt.Errorf("gobuild.Fingerprint: %w", err)
	}
	if m.Workspace.Built(s.Name, fingerprint) {
		return nil
	}
	if err := cli.Build(ctx, s.Stack, s.Config.Parameters, log); err != nil {
		return fmt.Errorf("%w\n%s", err, sam.LogEnd(log.Name()))
	}
	if err := m.Workspace.MarkBuilt(s.Name, fingerprint); err != nil {
		return fmt.Errorf("stacks.Workspace.MarkBuilt: %w", err)
	}
	return nil
}
