// Package check looks at an account before anything is deployed into it.
//
// What is missing there would otherwise be met half-way, or, worse, never: a
// region without a trail makes no event of a failed sign-in and says nothing.
// What could not be looked at is never reported as good.
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

// limit is how long one check may take.
const limit = 20 * time.Second

// Level is how a check came out.
type Level string

// The levels, as they are printed.
const (
	OK         Level = "ok"
	NotChecked Level = "not checked"
	Warning    Level = "warning"
	Stop       Level = "stop"
)

// Finding is one check's outcome.
type Finding struct {
	Level Level
	// What was looked at, in a word or two.
	What string
	// Text says what was seen.
	Text string
	// Next says what to do about it; empty if there is nothing to do.
	Next string
}

// Check looks at one thing.
type Check interface {
	Look(ctx context.Context) []Finding
}

// Run makes all checks at once and returns what they found in their order.
func Run(ctx context.Context, checks []Check) []Finding {
	found := make([][]Finding, len(checks))
	var all sync.WaitGroup
	for i, c := range checks {
		all.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, limit)
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

// Stops returns an error if anything found forbids to go on.
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

// unknown is a check that the account or the endpoint did not answer.
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
		reason = fmt.Sprintf("no answer in %s", limit)
	} else if i := strings.LastIndex(reason, ": "); len(reason) > 120 && i > 0 {
		reason = reason[i+2:]
	}
	return []Finding{{NotChecked, what, call + ": " + reason, ""}}
}
