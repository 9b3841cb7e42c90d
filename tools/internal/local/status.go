package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/deploy"
	"gatehouse.example/tools/internal/supervisor"
	"gatehouse.example/tools/stacks"
)

func status(ctx context.Context, l supervisor.Layout, out *os.File) error {
	state, up, err := supervisor.Running(l)
	if err != nil {
		return fmt.Errorf("supervisor.Running: %w", err)
	}
	if !up {
		_, _ = fmt.Fprintf(out, "not running (%s); start it with `gatehouse local up`\n", l.Dir)
		return nil
	}
	l.Port, l.Environment = state.Port, state.Environment
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROCESS\tPID\tWHERE\tSTATE")
	fmt.Fprintf(table, "proxy\t%d\t%s\t%s\n", state.PID, l.URL(), health(supervisor.ProxyHealthy(ctx, l)))
	fmt.Fprintf(table, "emulator\t%d\t%s\t%s\n\n", state.EmulatorPID, l.Socket(), health(supervisor.EmulatorHealthy(ctx, l)))
	if state.Ready {
		if err := deployed(ctx, table, l, state); err != nil {
			return errors.Join(table.Flush(), err)
		}
	}
	fmt.Fprintf(table, "environment variables\t%s\nlogs\t%s\n\n", l.EnvFile(), l.LogDir())
	return table.Flush()
}

func health(ok bool) string {
	if ok {
		return "answers"
	}
	return "does not answer"
}

// deployed writes a line for every stack and every function.
func deployed(ctx context.Context, table io.Writer, l supervisor.Layout, state supervisor.State) error {
	all, err := stacks.Discover(l.Root)
	if err != nil {
		return fmt.Errorf("stacks.Discover: %w", err)
	}
	cf := cloudformation.NewFromConfig(l.Config())
	functions := "\nFUNCTION\tSTACK\n"
	fmt.Fprintln(table, "STACK\tSTATUS\tDEPLOYED\t")
	for _, s := range all {
		_, name, err := deploy.Settings(l, s)
		if err != nil {
			return fmt.Errorf("deploy.Settings: %w", err)
		}
		stackStatus, err := cfn.Status(ctx, cf, name)
		if err != nil {
			return err
		}
		record, err := deploy.ReadRecord(l, s.Name)
		if err != nil {
			return fmt.Errorf("deploy.ReadRecord: %w", err)
		}
		when, note := "-", "not deployed"
		if record.Instance == state.Instance {
			when = record.Deployed.Local().Format("15:04:05")
			note = upToDate(ctx, l, s, record)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", name, cmp.Or(string(stackStatus), "-"), when, note)
		for _, f := range s.Functions {
			functions += f.FullName(l.Environment) + "\t" + s.Name + "\n"
		}
	}
	fmt.Fprintln(table, functions)
	return nil
}

func upToDate(ctx context.Context, l supervisor.Layout, s stacks.Stack, record deploy.Record) string {
	fingerprint, err := deploy.Fingerprint(ctx, l, s)
	switch {
	case err != nil:
		return "does not compile"
	case record.Drifted:
		return "changed by watch; run `gatehouse local deploy " + s.Name + "`"
	case record.Fingerprint != fingerprint:
		return "out of date; run `gatehouse local deploy " + s.Name + "`"
	}
	return "up to date"
}
