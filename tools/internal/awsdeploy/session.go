package awsdeploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// session is one run of a command on one environment.
type session struct {
	target    target
	workspace stacks.Workspace
	// stacks are the named stacks in the graph's order; all and graph hold every stack.
	stacks, all []plannedStack
	graph       stacks.Graph
	cf          *cloudformation.Client
	in          io.Reader
	// out is where texts are printed; it adds the region that a flag named.
	out io.Writer
	// terminal reports that a person can answer a question.
	terminal bool
}

func open(ctx context.Context, o options, services []string) (*session, error) {
	t, err := openTarget(ctx, o)
	if err != nil {
		return nil, err
	}
	w, err := stacks.OpenWorkspace("", o.venv)
	if err != nil {
		return nil, err
	}
	w.Dir = filepath.Join(w.Dir, "aws", t.environment)
	w.Environment, w.Region = t.environment, t.config.Region
	s := &session{
		target: t, in: os.Stdin, out: o.output(os.Stdout), terminal: terminal.Is(os.Stdin),
		workspace: w, cf: cloudformation.NewFromConfig(t.config),
	}
	if err := s.choose(services); err != nil {
		return nil, err
	}
	t.print(s.out)
	return s, nil
}

func (s *session) choose(services []string) error {
	found, err := stacks.Discover(s.workspace.Root)
	if err != nil {
		return fmt.Errorf("stacks.Discover: %w", err)
	}
	if s.graph, err = stacks.NewGraph(found); err != nil {
		return fmt.Errorf("stacks.NewGraph: %w", err)
	}
	levels, err := s.graph.Levels()
	if err != nil {
		return fmt.Errorf("stacks.Graph.Levels: %w", err)
	}
	order := slices.Concat(levels...)
	slices.SortFunc(found, func(a, b stacks.Stack) int { return slices.Index(order, a.Name) - slices.Index(order, b.Name) })
	if s.all, err = readSettings(found, s.target.environment, s.target.overrides()); err != nil {
		return err
	}
	for _, name := range services {
		if !slices.Contains(order, name) {
			return fmt.Errorf("no stack %q; the stacks are %s", name, strings.Join(order, ", "))
		}
	}
	for _, one := range s.all {
		if len(services) == 0 || slices.Contains(services, one.Name) {
			s.stacks = append(s.stacks, one)
		}
	}
	return nil
}

// cli is SAM with new keys, because keys may expire during a long deployment.
func (s *session) cli(ctx context.Context) (sam.CLI, error) {
	access, err := s.target.access(ctx)
	if err != nil {
		return sam.CLI{}, fmt.Errorf("target.access: %w", err)
	}
	cli := sam.CLI{Workspace: s.workspace, Block: s.target.environment, Access: access}
	cli.Settle = func(ctx context.Context, stack string) error {
		_, err := cfn.Settle(ctx, s.cf, stack)
		return err
	}
	if err := cli.Prepare(time.Now()); err != nil {
		return sam.CLI{}, fmt.Errorf("sam.CLI.Prepare: %w", err)
	}
	return cli, nil
}

// lock refuses a second deployment from this folder. CloudFormation does so for
// other folders. It also makes the folder of the logs.
func (s *session) lock() (func(), error) {
	if err := os.MkdirAll(s.workspace.LogDir(), 0o750); err != nil {
		return nil, fmt.Errorf("os.MkdirAll: %w", err)
	}
	unlock, err := files.TryLock(s.workspace.DeployLock())
	if errors.Is(err, files.ErrLocked) {
		return nil, fmt.Errorf("another deployment to %s is in progress in this folder; wait until it ends", s.target.environment)
	}
	if err != nil {
		return nil, fmt.Errorf("files.TryLock: %w", err)
	}
	return unlock, nil
}

// ask requires the exact answer. Without a terminal it returns an error that names
// the flag to use instead.
func (s *session) ask(question, want string, given bool, flag string) error {
	if given {
		return nil
	}
	if !s.terminal {
		return fmt.Errorf("nothing was changed: no terminal for the question. To continue without it, add %s", flag)
	}
	return terminal.Ask(s.in, s.out, question, want, flag)
}
