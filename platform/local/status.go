package local

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gatehouse.example/platform/local/deploy"
	"gatehouse.example/platform/local/endpoint"
	"gatehouse.example/platform/local/layout"
	"gatehouse.example/platform/local/stacks"
	"gatehouse.example/platform/local/supervisor"
)

// Status shows what runs, what is deployed and whether it is up to date.
func Status(ctx context.Context, l layout.Layout, out io.Writer) error {
	state, up, err := supervisor.Running(l)
	if err != nil {
		return fmt.Errorf("supervisor.Running: %w", err)
	}
	if !up {
		_, _ = fmt.Fprintf(out, "not up (%s); start it with `gatehouse local up`\n", l.Dir)
		return nil
	}
	l.Port, l.EmulatorPort, l.Environment = state.Port, state.Emulator, state.Environment
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	row := func(cells ...any) {
		for _, c := range cells {
			_, _ = fmt.Fprintf(table, "%v\t", c)
		}
		_, _ = fmt.Fprintln(table)
	}
	row("PROCESS", "PID", "WHERE", "STATE")
	row("edge", state.PID, l.URL(), health(supervisor.EdgeHealthy(ctx, l)))
	row("emulator", state.EmulatorPID, l.EmulatorURL(), health(supervisor.EmulatorHealthy(ctx, l)))
	row()
	if state.Ready {
		if err := stackRows(ctx, l, state, row); err != nil {
			return err
		}
	}
	row()
	row("names", l.EnvFile())
	row("logs", l.LogDir())
	if err := table.Flush(); err != nil {
		return fmt.Errorf("tabwriter.Writer.Flush: %w", err)
	}
	return nil
}

func health(ok bool) string {
	if ok {
		return "answers"
	}
	return "does not answer"
}

func stackRows(ctx context.Context, l layout.Layout, state supervisor.State, row func(...any)) error {
	all, err := stacks.Discover(l.Root)
	if err != nil {
		return fmt.Errorf("stacks.Discover: %w", err)
	}
	cf := cloudformation.NewFromConfig(endpoint.Config(l))
	var functions [][]any
	row("STACK", "STATUS", "DEPLOYED", "")
	for _, s := range all {
		_, name, err := deploy.Settings(l, s)
		if err != nil {
			return fmt.Errorf("deploy.Settings: %w", err)
		}
		status, err := deploy.Status(ctx, cf, name)
		if err != nil {
			return fmt.Errorf("deploy.Status: %w", err)
		}
		if status == "" {
			status = "-"
		}
		record, err := deploy.ReadRecord(l, s.Name)
		if err != nil {
			return fmt.Errorf("deploy.ReadRecord: %w", err)
		}
		when, note := "-", "not deployed"
		if record.Instance == state.Instance {
			when = record.Deployed.Local().Format("15:04:05")
			note = freshness(ctx, l, s, record)
		}
		row(name, status, when, note)
		for _, f := range s.Functions {
			functions = append(functions, []any{f.FullName(l.Environment), l.Log(f.FullName(l.Environment))})
		}
	}
	row()
	row("FUNCTION")
	for _, f := range functions {
		row(f[0])
	}
	return nil
}

func freshness(ctx context.Context, l layout.Layout, s stacks.Stack, record deploy.Record) string {
	fingerprint, err := deploy.Fingerprint(ctx, l, s)
	switch {
	case err != nil:
		return "does not compile"
	case record.Drifted:
		return "changed by watch; `gatehouse local deploy " + s.Name + "` makes it whole"
	case record.Fingerprint != fingerprint:
		return "out of date; `gatehouse local deploy " + s.Name + "`"
	}
	return "up to date"
}
