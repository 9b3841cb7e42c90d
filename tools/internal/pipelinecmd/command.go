// Package pipelinecmd is the command `gatehouse pipeline`. It deploys the pipelines
// to the running local system and runs them there with the package runner.
package pipelinecmd

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"gatehouse.example/tools/internal/runner"
	"gatehouse.example/tools/internal/runner/history"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/stacks"
)

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
	l.Port = state.Port
	account, err := runner.LocalAccount(ctx, l.Config())
	if err != nil {
		return nil, err
	}
	board := terminal.NewBoard(os.Stdout)
	return &system{layout: l, board: board, runner: &runner.Runner{
		Account: account, Workspace: l.Workspace, System: state.Instance, Out: os.Stdout, Board: board,
	}}, nil
}

// with opens the local system for a command.
func (f *flags) with(run func(*cobra.Command, *system, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		s, err := f.open(cmd.Context())
		if err != nil {
			return err
		}
		defer s.board.Close()
		return run(cmd, s, args)
	}
}

func (f *flags) run() *cobra.Command {
	var o runner.Options
	var approve, reject bool
	cmd := &cobra.Command{
		Use: "run SERVICE", Short: "Run the pipeline of a service, or the one that changes the pipelines (pipelines)",
		Args:    cobra.ExactArgs(1),
		Example: "  gatehouse pipeline run signup-guard --approve\n  gatehouse pipeline run signup-guard --commit HEAD~1 --variable ROLLOUT=AllAtOnce\n  gatehouse pipeline run pipelines",
		RunE: f.with(func(cmd *cobra.Command, s *system, args []string) (err error) {
			if o.Source, err = stacks.Folder(o.Source, s.layout.Root, "."); err != nil {
				return err
			}
			s.runner.Ask = asker{in: os.Stdin, board: s.board, terminal: terminal.Is(os.Stdin), approve: approve, reject: reject}.ask
			return s.runner.Run(cmd.Context(), args[0], o)
		}),
	}
	set := cmd.Flags()
	set.StringVar(&o.Mode, "mode", "", "single or multi, in place of the deployed stack's mode")
	set.StringVar(&o.Source, "source", "", "clone with the sources (default: this repository)")
	set.StringVar(&o.Commit, "commit", "", "commit of the clone (default: its working tree)")
	set.StringToStringVar(&o.Variables, "variable", nil, "variable of the pipeline, NAME=VALUE (repeatable)")
	set.BoolVar(&approve, "approve", false, "approve without asking")
	set.BoolVar(&reject, "reject", false, "reject without asking")
	cmd.MarkFlagsMutuallyExclusive("approve", "reject")
	return cmd
}

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

// pipelinesPipeline is the pipeline that changes the others.
const pipelinesPipeline = "pipelines"

// services returns the names of the services. Each has a pipeline.
func services(root string) ([]string, error) {
	all, err := stacks.Discover(root)
	if err != nil {
		return nil, fmt.Errorf("stacks.Discover: %w", err)
	}
	var out []string
	for _, s := range all {
		out = append(out, s.Name)
	}
	slices.Sort(out)
	return out, nil
}

func (f *flags) status() *cobra.Command {
	var count int
	cmd := &cobra.Command{
		Use: "status [SERVICE...]", Short: "Show the last executions of the pipelines",
		RunE: f.with(func(cmd *cobra.Command, s *system, named []string) (err error) {
			if len(named) == 0 {
				if named, err = services(s.layout.Root); err != nil {
					return err
				}
				named = append(named, pipelinesPipeline)
			}
			table := tabwriter.NewWriter(cmd.OutOrStdout(), 0, 0, 2, ' ', 0)
			fmt.Fprintln(table, "PIPELINE\tEXECUTION\tSTARTED\tSTATUS\tSTAGES\tFROM")
			for _, name := range named {
				if err := s.last(table, "gatehouse-"+name, count); err != nil {
					return err
				}
			}
			return table.Flush()
		}),
	}
	cmd.Flags().IntVar(&count, "last", 1, "number of executions of each pipeline")
	return cmd
}

func (s *system) last(table *tabwriter.Writer, pipeline string, count int) error {
	all, err := s.runner.Past(pipeline).All()
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(e history.Execution) bool { return e.Instance != s.runner.System })
	if len(all) == 0 {
		fmt.Fprintf(table, "%s\t-\t\tnot run yet\t\t\n", pipeline)
	}
	for _, e := range all[:min(count, len(all))] {
		var stages []string
		for _, st := range e.Stages {
			if st.Status != "" {
				stages = append(stages, st.Name+" "+strings.ToLower(string(st.Status)))
			}
		}
		kind := string(e.Status)
		if e.Rollback != "" {
			kind += ", a rollback"
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", pipeline, e.Short(), e.Started.Local().Format("01-02 15:04:05"), kind, strings.Join(stages, ", "), e.Source)
	}
	return nil
}

func (f *flags) affected() *cobra.Command {
	var since, branch string
	var asJSON bool
	cmd := &cobra.Command{
		Use: "affected [FILE...]", Short: "List the pipelines that a push of these files would start",
		Example: "  gatehouse pipeline affected contracts/types.go\n  gatehouse pipeline affected --since main",
		RunE: f.with(func(cmd *cobra.Command, s *system, files []string) (err error) {
			if since != "" {
				changed, err := runner.Repository{Dir: s.layout.Root}.Changed(cmd.Context(), since)
				if err != nil {
					return err
				}
				files = append(files, changed...)
			}
			if len(files) == 0 {
				return errors.New("no file: name some, or use --since COMMIT")
			}
			all, err := s.pipelines(cmd.Context())
			if err != nil {
				return err
			}
			started, err := pipeline.Started(all, pipeline.Push{Branch: branch, Files: files})
			if err != nil {
				return fmt.Errorf("pipeline.Started: %w", err)
			}
			if asJSON {
				return json.NewEncoder(terminal.JSON(os.Stdout)).Encode(started)
			}
			for _, name := range started {
				fmt.Fprintln(cmd.OutOrStdout(), name)
			}
			return nil
		}),
	}
	set := cmd.Flags()
	set.StringVar(&since, "since", "", "include all files that changed since a commit")
	set.StringVar(&branch, "branch", "main", "the pushed branch")
	set.BoolVar(&asJSON, "json", false, "print a JSON list")
	return cmd
}

// pipelines returns all deployed pipelines.
func (s *system) pipelines(ctx context.Context) ([]pipeline.Pipeline, error) {
	names, err := services(s.layout.Root)
	if err != nil {
		return nil, err
	}
	var all []pipeline.Pipeline
	for _, name := range append(names, pipelinesPipeline) {
		d, err := s.runner.Read(ctx, name, "")
		if err != nil {
			return nil, err
		}
		all = append(all, d.Pipeline)
	}
	return all, nil
}
