// Package metrics turns events into the metrics that Cognito lacks. An event that
// is delivered twice is counted once: it is claimed in the ledger first.
//
// A function that ends between the claim and the count leaves claimed events that
// are in no metric. These are the events of one batch at most, and the audit table
// has them; in the other order they would be counted twice.
package metrics

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
)

// spare is the time that must be left of an invocation to write the metrics of
// events that are claimed already.
const spare = 2 * time.Second

// Claimer says whether an event is counted for the first time.
type Claimer interface {
	Claim(ctx context.Context, ev event.Event, now time.Time) (bool, error)
}

// Counter takes batches of events from its queue.
type Counter struct {
	Ledger      Claimer
	Environment string
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// Handle answers one invocation by SQS.
func (c *Counter) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	return consume.Batch(ctx, c.Log, in, c.count)
}

// count writes the metrics of a batch at once, because each line costs.
func (c *Counter) count(ctx context.Context, batch []consume.Record) map[string]error {
	now := c.Now()
	out := emf.New(c.Environment)
	addZeros(out)
	var oldest time.Duration
	claimed, aged := 0, false
	claims, cancel := withSpare(ctx)
	defer cancel()
	failed := consume.Each(func(ctx context.Context, r consume.Record) error {
		// Read before the claim: an event that cannot be read must be delivered again.
		add, err := reading(r.Event)
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("metrics: no time left for this event: %w", err)
		}
		first, err := c.Ledger.Claim(ctx, r.Event, now)
		if err != nil {
			return fmt.Errorf("ledger.Claim: %w", err)
		}
		if !first {
			return nil
		}
		claimed++
		add(out)
		if !contracts.IsSynthetic(r.Event) {
			oldest, aged = max(oldest, now.Sub(r.Event.Time())), true
		}
		return nil
	})(claims, batch)
	if aged {
		out.Add(EventAge, emf.Milliseconds, float64(oldest.Milliseconds()))
	}
	if err := out.Flush(c.Out, now); err != nil {
		// Returning the batch would not help: its events are claimed.
		c.Log.ErrorContext(ctx, "metrics not written; these events are in no metric", "events", claimed, "error", err.Error())
	}
	return failed
}

// withSpare ends ctx before its own deadline, if it has one.
func withSpare(ctx context.Context) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-spare))
	}
	return ctx, func() {}
}
