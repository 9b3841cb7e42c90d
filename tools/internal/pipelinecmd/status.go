package pipelinecmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"gatehouse.example/tools/internal/runner"
	"gatehouse.example/tools/internal/runner/history"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/stacks"
)

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
		RunE: func(cmd *cobra.Command, named []string) error {
			s, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			defer s.board.Close()
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
		},
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
		RunE: func(cmd *cobra.Command, files []string) error {
			s, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			defer s.board.Close()
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
				return json.NewEncoder(os.Stdout).Encode(started)
			}
			for _, name := range started {
				fmt.Fprintln(cmd.OutOrStdout(), name)
			}
			return nil
		},
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
