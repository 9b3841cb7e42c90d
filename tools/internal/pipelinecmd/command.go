// Package pipelinecmd is the command `gatehouse pipeline`. It deploys the pipelines
// to the running local system and runs them there with the package runner.
package pipelinecmd

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"gatehouse.example/tools/internal/runner"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/stacks"
)

// flags are shared by all commands.
type flags struct{ dir, venv string }

// Command is `gatehouse pipeline` with everything below it.
func Command() *cobra.Command {
	f := &flags{}
	cmd := &cobra.Command{
		Use:   "pipeline",
		Short: "Run the deployed pipelines on this machine",
		Long: `Works in the running local system, where test and production are two environments.
docs/pipelines.md lists what is simulated.`,
		Args: cobra.NoArgs,
	}
	set := cmd.PersistentFlags()
	set.StringVar(&f.dir, "dir", "", "folder of the local system (default .local in the repository)")
	set.StringVar(&f.venv, "venv", "", "virtualenv of the Python tools (default .local/venv in the repository)")
	cmd.AddCommand(f.up(), f.run(), f.status(), f.affected())
	return cmd
}

// system is the running local system.
type system struct {
	layout supervisor.Layout
	runner *runner.Runner
	board  *terminal.Board
}

func (f *flags) open(ctx context.Context) (*system, error) {
	w, err := stacks.OpenWorkspace(f.dir, f.venv)
	if err != nil {
		return nil, err
	}
	w.Environment, w.Region = supervisor.DefaultEnvironment, cmp.Or(os.Getenv("AWS_REGION"), stacks.DefaultRegion)
	l := supervisor.Layout{Workspace: w}
	state, err := supervisor.Ready(l)
	if err != nil {
		return nil, err
	}
	l.Port, l.EmulatorPort = state.Port, state.Emulator
	account, err := runner.LocalAccount(ctx, l.Config())
	if err != nil {
		return nil, err
	}
	board := terminal.NewBoard(os.Stdout)
	return &system{layout: l, board: board, runner: &runner.Runner{
		Account: account, Workspace: l.Workspace, System: state.Instance, Out: os.Stdout, Board: board,
	}}, nil
}

func (f *flags) run() *cobra.Command {
	var o runner.Options
	var approve, reject bool
	var variables []string
	cmd := &cobra.Command{
		Use: "run SERVICE", Short: "Run the pipeline of a service, or the one that changes the pipelines (pipelines)",
		Args:    cobra.ExactArgs(1),
		Example: "  gatehouse pipeline run signup-guard --approve\n  gatehouse pipeline run signup-guard --commit HEAD~1 --variable ROLLOUT=AllAtOnce\n  gatehouse pipeline run pipelines",
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			defer s.board.Close()
			if o.Source, err = stacks.Folder(o.Source, s.layout.Root, "."); err != nil {
				return err
			}
			if o.Variables, err = pairs(variables); err != nil {
				return err
			}
			s.runner.Ask = asker{in: os.Stdin, board: s.board, terminal: terminal.Is(os.Stdin), approve: approve, reject: reject}.ask
			return s.runner.Run(cmd.Context(), args[0], o)
		},
	}
	set := cmd.Flags()
	set.StringVar(&o.Mode, "mode", "", "single or multi, in place of the deployed stack's mode")
	set.StringVar(&o.Source, "source", "", "clone with the sources (default: this repository)")
	set.StringVar(&o.Commit, "commit", "", "commit of the clone (default: its working tree)")
	set.StringArrayVar(&variables, "variable", nil, "variable of the pipeline, NAME=VALUE (repeatable)")
	set.BoolVar(&approve, "approve", false, "approve without asking")
	set.BoolVar(&reject, "reject", false, "reject without asking")
	cmd.MarkFlagsMutuallyExclusive("approve", "reject")
	return cmd
}

func pairs(list []string) (map[string]string, error) {
	out := map[string]string{}
	for _, p := range list {
		name, value, ok := strings.Cut(p, "=")
		if !ok {
			return nil, fmt.Errorf("--variable %s: use NAME=VALUE", p)
		}
		out[name] = value
	}
	return out, nil
}

// asker answers approvals.
type asker struct {
	in              io.Reader
	board           interface{ Print(string) }
	terminal        bool
	approve, reject bool
}

func (a asker) ask(ctx context.Context, question string) (bool, error) {
	a.board.Print("  asked: " + question)
	switch {
	case a.approve:
		return true, nil
	case a.reject:
		return false, nil
	case !a.terminal:
		return false, errors.New("no terminal to ask for approval; add --approve or --reject")
	}
	a.board.Print("  Approve? Type yes or no:")
	answers := make(chan string, 1)
	go func() {
		line, _ := bufio.NewReader(a.in).ReadString('\n') // the end of the input is a no
		answers <- strings.TrimSpace(line)
	}()
	select {
	case answer := <-answers:
		return answer == "yes", nil
	case <-ctx.Done():
		return false, context.Cause(ctx)
	}
}
