// Package check checks an account before anything is deployed to it. Otherwise a
// missing prerequisite would fail in the middle of the deployment, or would never
// be noticed: without a trail, for example, failed sign-ins produce no events. A
// check that was not possible is never reported as ok.
package check

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/aws/smithy-go"
)

// timeout is for one check.
const timeout = 20 * time.Second

// Level is the result of a check.
type Level string

// The levels, as they are printed.
const (
	OK         Level = "ok"
	NotChecked Level = "not checked"
	Warning    Level = "warning"
	Stop       Level = "stop"
)

// Finding is one result of a check.
type Finding struct {
	Level Level
	// What names what was checked.
	What string
	// Text describes the result.
	Text string
	// Next is what to do about it, or empty.
	Next string
}

// Check checks one prerequisite.
type Check interface {
	Look(ctx context.Context) []Finding
}

// Run runs all checks at the same time and returns their findings in order.
func Run(ctx context.Context, checks []Check) []Finding {
	found := make([][]Finding, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, timeout)
			defer cancel()
			found[i] = c.Look(ctx)
		})
	}
	all.Wait()
	var findings []Finding
	for _, f := range found {
		findings = append(findings, f...)
	}
	return findings
}

// Print writes one line for each finding, and one for what to do about it.
func Print(w io.Writer, findings []Finding) {
	fmt.Fprintln(w, "\nChecks")
	for _, f := range findings {
		fmt.Fprintf(w, "  %-11s  %-18s  %s\n", f.Level, f.What, f.Text)
		if f.Next != "" {
			fmt.Fprintf(w, "  %-11s  %-18s  -> %s\n", "", "", f.Next)
		}
	}
}

// Stops returns an error if a finding prevents the deployment.
func Stops(findings []Finding) error {
	var what []string
	for _, f := range findings {
		if f.Level == Stop {
			what = append(what, f.What)
		}
	}
	if len(what) == 0 {
		return nil
	}
	return fmt.Errorf("stopped by the checks (%s); nothing was changed", strings.Join(what, ", "))
}

// unknown is the finding of a check that failed.
func unknown(what, call string, err error) []Finding {
	reason := err.Error()
	if api := smithy.APIError(nil); errors.As(err, &api) && api.ErrorCode() == "UnknownError" {
		reason = "the endpoint does not know this call"
	} else if errors.As(err, &api) && api.ErrorCode() != "" {
		reason = api.ErrorCode()
		if text := api.ErrorMessage(); text != "" && len(text) < 120 {
			reason += ": " + text
		}
	} else if errors.Is(err, context.DeadlineExceeded) {
		reason = fmt.Sprintf("no answer within %s", timeout)
	} else if i := strings.LastIndex(reason, ": "); len(reason) > 120 && i > 0 {
		reason = reason[i+2:]
	}
	return []Finding{{NotChecked, what, call + ": " + reason, ""}}
}
