// Package announcer evaluates the rules of findings on a schedule, and publishes what they
// find.
//
// It stores nothing. A run evaluates the windows of the last hour, so the next run does
// the work of one that failed. A finding that the audit table has is not published again;
// if the table does not have it yet, the copy has the same id.
package announcer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/signin-audit/findings"
)

const (
	// batch is how many findings are published at a time: all of a batch share the
	// publisher's budget.
	batch = 10
	// longest is the longest period that one call evaluates.
	longest = 24 * time.Hour
	// block is the longest time within which findings about the same thing have the same id.
	block = 6 * time.Hour
)

// Metrics of a run.
const (
	MetricRows    = "FindingsRowsRead"
	MetricOmitted = "FindingsOmitted"
)

// Metrics of how the sign-in attempts of an hour ended, as [findings.Resolve] says. Each
// scheduled run writes them for the hour that has settled then, so the hours of two runs
// overlap: read the average, not the sum.
const (
	MetricAttempts   = "HourAttempts"
	MetricExplained  = "HourAttemptsExplained"
	MetricUnresolved = "HourAttemptsUnresolved"
	// MetricUnresolvedShare is in percent. An hour without an attempt has none.
	MetricUnresolvedShare = "UnresolvedShare"
)

// Rows is what Announcer needs of the audit table.
type Rows interface {
	Read(ctx context.Context, rules []findings.Rule, from, to time.Time) (*findings.Rows, error)
	Known(ctx context.Context, from, to time.Time) (map[string]bool, error)
}

// Parameters are those of the stack: the settings of the rules.
type Parameters interface {
	Values(context.Context) ([]string, error)
}

// Publisher sends events to the topic.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Announcer is the function. Its fields are set once, before the first use.
type Announcer struct {
	Rows        Rows
	Settings    Parameters
	Publisher   Publisher
	Environment string
	Log         *slog.Logger
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Now func() time.Time
}

// Request is what the function is called with. The schedule's event has neither field.
type Request struct {
	// From and To are a past period whose windows are evaluated, in RFC 3339: for an outage of more than an hour.
	From string `json:"from"`
	To   string `json:"to"`
}

// Result is what a call answers.
type Result struct {
	// From and To are the period in which the evaluated windows end.
	From string `json:"from"`
	To   string `json:"to"`
	// Published is how many findings were published, Known how many had been published
	// before, and Omitted how many wait for the next run, because a rule had too many.
	Published int `json:"published"`
	Known     int `json:"known"`
	Omitted   int `json:"omitted"`
}

// Handle is one run.
func (a *Announcer) Handle(ctx context.Context, in Request) (Result, error) {
	values, err := a.Settings.Values(ctx)
	if err != nil {
		return Result{}, fmt.Errorf("Settings.Values: %w", err)
	}
	settings, err := findings.Parse(strings.Join(values, "\n"))
	if err != nil {
		return Result{}, fmt.Errorf("findings.Parse: %w", err)
	}
	from, to, err := a.part(in, settings.Lag)
	if err != nil {
		return Result{}, err
	}
	rules := settings.Rules()
	rows, unread := a.Rows.Read(ctx, rules, from, to)
	if unread != nil {
		unread = fmt.Errorf("Rows.Read: %w", unread)
		if !errors.Is(unread, findings.ErrTooMany) {
			return Result{}, unread
		}
	}
	found := findings.Evaluate(rows.Whole(rules), rows, from, to)
	known := map[string]bool{}
	if len(found) > 0 {
		if known, err = a.Rows.Known(ctx, from.Add(-block), to.Add(block)); err != nil {
			return Result{}, fmt.Errorf("Rows.Known: %w", err)
		}
	}
	fresh, omitted := findings.Next(found, known, most(in, from, to))
	out := Result{From: from.Format(time.RFC3339), To: to.Format(time.RFC3339), Published: len(fresh)}
	for rule, n := range omitted {
		a.Log.WarnContext(ctx, "findings of one rule wait for the next run; `gatehouse findings try` shows all", "rule", rule, "omitted", n)
		out.Omitted += n
	}
	out.Known = len(found) - len(fresh) - out.Omitted
	b := emf.New(a.Environment)
	if unread == nil { // else an alarm would take the run for one that ended
		b.Add(MetricRows, emf.Count, float64(rows.Len()))
	}
	if in == (Request{}) && unread == nil { // what the past came to has been written
		resolved(b, findings.Resolve(rows, to))
	}
	a.count(ctx, b, out.Omitted)
	if err := a.publish(ctx, fresh); err != nil {
		return Result{}, err
	}
	return out, unread
}

// part is the period in which the evaluated windows end. It must be as long ago as that of a scheduled run.
func (a *Announcer) part(in Request, lag time.Duration) (from, to time.Time, err error) {
	last := a.Now().UTC().Add(-lag).Truncate(findings.Step)
	if in.From == "" && in.To == "" {
		return last.Add(-findings.Again), last, nil
	}
	from, err = time.Parse(time.RFC3339, in.From)
	if err != nil {
		return from, to, errors.New("announcer: from is not a time such as 2026-11-22T17:00:00Z")
	}
	to, err = time.Parse(time.RFC3339, in.To)
	switch {
	case err != nil:
		return from, to, errors.New("announcer: to is not a time such as 2026-11-22T18:00:00Z")
	case !to.After(from) || to.Sub(from) > longest:
		return from, to, errors.New("announcer: to is not within a day after from")
	case to.After(last):
		to = last
	}
	return from.UTC(), to.UTC(), nil
}

// most is how many findings of a rule a call announces. One for the past announces as many as
// the runs of that time would have.
func most(in Request, from, to time.Time) int {
	if in == (Request{}) {
		return findings.MostOfARule
	}
	return findings.MostOfARule * max(1, int(to.Sub(from)/findings.Step))
}

// publish sends findings. One that neither the topic nor the outbox accepts is in the log, like every event.
func (a *Announcer) publish(ctx context.Context, found []findings.Finding) error {
	arn, err := pools(ctx)
	if err != nil {
		return err
	}
	for some := range slices.Chunk(found, batch) {
		evs := make([]event.Event, 0, batch)
		for _, f := range some {
			ev, err := f.Event(arn + f.Pool)
			if err != nil {
				return fmt.Errorf("Finding.Event: %w", err)
			}
			evs = append(evs, ev)
			a.Log.WarnContext(ctx, "finding", "rule", f.Rule, "severity", f.Severity, "id", ev.ID())
		}
		if _, err := a.Publisher.Publish(ctx, evs...); err != nil {
			return fmt.Errorf("Publisher.Publish: %w", err)
		}
	}
	return nil
}

// pools is the beginning of the ARNs of this account's user pools.
func pools(ctx context.Context) (string, error) {
	const parts = 7 // arn:aws:lambda:region:account:function:name
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return "", errors.New("announcer: no Lambda context")
	}
	part := strings.Split(lc.InvokedFunctionArn, ":")
	if len(part) < parts || part[0] != "arn" {
		return "", errors.New("announcer: the function's ARN is malformed")
	}
	return fmt.Sprintf("arn:%s:cognito-idp:%s:%s:userpool/", part[1], part[3], part[4]), nil
}

// resolved adds how the attempts of an hour ended.
func resolved(b *emf.Batch, hour findings.Outcomes) {
	b.Add(MetricAttempts, emf.Count, float64(hour.Attempts))
	b.Add(MetricExplained, emf.Count, float64(hour.Explained))
	b.Add(MetricUnresolved, emf.Count, float64(hour.Unresolved))
	if hour.Attempts > 0 {
		b.Add(MetricUnresolvedShare, emf.Count, 100*float64(hour.Unresolved)/float64(hour.Attempts))
	}
}

func (a *Announcer) count(ctx context.Context, b *emf.Batch, omitted int) {
	if omitted > 0 {
		b.Add(MetricOmitted, emf.Count, float64(omitted))
	}
	if err := b.Flush(a.Out, a.Now()); err != nil {
		a.Log.ErrorContext(ctx, "metrics not written", "error", err.Error())
	}
}
