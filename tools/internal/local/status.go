package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
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
	l.Port, l.EmulatorPort, l.Environment = state.Port, state.Emulator, state.Environment
	show := func(rows ...[]string) error { return columns(out, rows) }
	err = show(
		[]string{"PROCESS", "PID", "WHERE", "STATE"},
		[]string{"proxy", strconv.Itoa(state.PID), l.URL(), health(supervisor.ProxyHealthy(ctx, l))},
		[]string{"emulator", strconv.Itoa(state.EmulatorPID), l.EmulatorURL(), health(supervisor.EmulatorHealthy(ctx, l))},
	)
	if err != nil {
		return err
	}
	if state.Ready {
		stackRows, functionRows, err := deployed(ctx, l, state)
		if err != nil {
			return err
		}
		if err := errors.Join(show(stackRows...), show(functionRows...)); err != nil {
			return err
		}
	}
	return show([]string{"environment variables", l.EnvFile()}, []string{"logs", l.LogDir()})
}

func columns(out io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, row := range rows {
		_, _ = fmt.Fprintln(table, strings.Join(row, "\t"))
	}
	_, _ = fmt.Fprintln(table)
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

func deployed(ctx context.Context, l supervisor.Layout, state supervisor.State) (stackRows, functionRows [][]string, err error) {
	all, err := stacks.Discover(l.Root)
	if err != nil {
		return nil, nil, fmt.Errorf("stacks.Discover: %w", err)
	}
	cf := cloudformation.NewFromConfig(l.Config())
	stackRows = [][]string{{"STACK", "STATUS", "DEPLOYED", ""}}
	functionRows = [][]string{{"FUNCTION", "STACK"}}
	for _, s := range all {
		_, name, err := deploy.Settings(l, s)
		if err != nil {
			return nil, nil, fmt.Errorf("deploy.Settings: %w", err)
		}
		stackStatus, err := cfn.Status(ctx, cf, name)
		if err != nil {
			return nil, nil, err
		}
		record, err := deploy.ReadRecord(l, s.Name)
		if err != nil {
			return nil, nil, fmt.Errorf("deploy.ReadRecord: %w", err)
		}
		when, note := "-", "not deployed"
		if record.Instance == state.Instance {
			when = record.Deployed.Local().Format("15:04:05")
			note = upToDate(ctx, l, s, record)
		}
		stackRows = append(stackRows, []string{name, cmp.Or(string(stackStatus), "-"), when, note})
		for _, f := range s.Functions {
			functionRows = append(functionRows, []string{f.FullName(l.Environment), s.Name})
		}
	}
	return stackRows, functionRows, nil
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
