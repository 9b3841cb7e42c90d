package awsdeploy

import (
	"bufio"
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

	"gatehouse.example/tools/internal/awsdeploy/plan"
	"gatehouse.example/tools/internal/awsdeploy/target"
	"gatehouse.example/tools/internal/lockfile"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// session is one command at work on one environment.
type session struct {
	target    target.Target
	workspace stacks.Workspace
	// stacks are those that were named, in the graph's order; graph and all hold every one.
	stacks, all []plan.Stack
	graph       stacks.Graph
	cf          *cloudformation.Client
	in          io.Reader
	out         *os.File
	// terminal says that somebody can answer a question.
	terminal bool
}

func open(ctx context.Context, o options, services []string) (*session, error) {
	t, err := target.Open(ctx, o.Options)
	if err != nil {
		return nil, err
	}
	root, err := stacks.FindRoot(".")
	if err != nil {
		return nil, err
	}
	s := &session{
		target: t, in: os.Stdin, out: os.Stdout, terminal: isTerminal(os.Stdin),
		workspace: stacks.Workspace{
			Root: root, Dir: filepath.Join(root, stacks.DefaultDir, "aws", t.Environment), Venv: filepath.Join(root, stacks.DefaultVenv),
			Environment: t.Environment, Region: t.Config.Region,
		},
		cf: cloudformation.NewFromConfig(t.Config),
	}
	if o.venv != "" {
		if s.workspace.Venv, err = filepath.Abs(o.venv); err != nil {
			return nil, fmt.Errorf("filepath.Abs: %w", err)
		}
	}
	if err := s.choose(services); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.workspace.LogDir(), 0o750); err != nil {
		return nil, fmt.Errorf("os.MkdirAll: %w", err)
	}
	t.Print(s.out)
	return s, nil
}

// choose reads the repository's stacks and picks those that were named.
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
	if s.all, err = plan.Read(found, s.target.Environment, s.target.Overrides()); err != nil {
		return err
	}
	for _, name := range services {
		if !slices.Contains(order, name) {
			return fmt.Errorf("there is no stack %q; there are %s", name, strings.Join(order, ", "))
		}
	}
	for _, one := range s.all {
		if len(services) == 0 || slices.Contains(services, one.Name) {
			s.stacks = append(s.stacks, one)
		}
	}
	return nil
}

// cli is SAM with the keys of now; they may expire during a long deployment.
func (s *session) cli(ctx context.Context) (sam.CLI, error) {
	access, err := s.target.Access(ctx)
	if err != nil {
		return sam.CLI{}, fmt.Errorf("target.Access: %w", err)
	}
	cli := sam.CLI{Workspace: s.workspace, Block: s.target.Environment, Access: access}
	if err := cli.Prepare(time.Now()); err != nil {
		return sam.CLI{}, fmt.Errorf("sam.CLI.Prepare: %w", err)
	}
	return cli, nil
}

// lock keeps two deployments from this folder apart; CloudFormation does so for
// everybody else.
func (s *session) lock() (func(), error) {
	unlock, err := lockfile.Try(s.workspace.DeployLock())
	if errors.Is(err, lockfile.ErrHeld) {
		return nil, fmt.Errorf("another deployment to %s is under way from here; wait until it is done", s.target.Environment)
	}
	if err != nil {
		return nil, fmt.Errorf("lockfile.Try: %w", err)
	}
	return unlock, nil
}

// ask wants the answer word for word. Without a terminal it refuses, and says
// with which flag it would not have asked.
func (s *session) ask(question, want string, given bool, flag string) error {
	if given {
		return nil
	}
	if !s.terminal {
		return fmt.Errorf("nothing was changed: there is no terminal to ask on. To go on without a question, add %s", flag)
	}
	fmt.Fprintf(s.out, "\n%s Type %s: ", question, want)
	line, err := bufio.NewReader(s.in).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("bufio.Reader.ReadString: %w", err)
	}
	if line == "" { // /dev/null is taken for a terminal
		fmt.Fprintln(s.out)
		return fmt.Errorf("nothing was changed: nobody answered. To go on without a question, add %s", flag)
	}
	if strings.TrimSpace(line) != want {
		return errors.New("nothing was changed")
	}
	return nil
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
