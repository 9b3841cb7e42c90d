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
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
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
	// Dead takes what no attempt can handle.
	Dead *consume.DeadLetters
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// Handle answers one invocation by SQS.
func (c *Counter) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	q := consume.Consumer{Name: "user-events-metrics", Environment: c.Environment, Dead: c.Dead, Out: c.Out, Log: c.Log, Now: c.Now}
	return q.Batch(ctx, in, c.count)
}

// count writes the metrics of a batch at once, because each line costs.
func (c *Counter) count(ctx context.Context, batch []consume.Record) map[string]error {
	now := c.Now()
	out := emf.New(c.Environment)
	addZeros(out)
	// The events of a batch are claimed at the same time; mu guards what they add up to.
	var mu sync.Mutex
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
		mu.Lock()
		defer mu.Unlock()
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

// Names of the metrics, in addition to those of lambdakit/publish.
const (
	SignUpsAllowed     = "SignUpsAllowed"
	SignUpsRejected    = "SignUpsRejected"
	UsersCreated       = "UsersCreated"
	PasswordsReset     = "PasswordsReset"
	SignInsAttempted   = "SignInsAttempted"
	SignInsUnknownUser = "SignInsUnknownUser"
	SignInsSucceeded   = "SignInsSucceeded"
	AppEvents          = "AppEvents"
	AppEventsDelayed   = "AppEventsDelayed"
	AppEventsRefused   = "AppEventsRefused"
	EventsConsumed     = "EventsConsumed"
	EventsDrained      = "EventsDrained"
	EventAge           = "EventAge"
	// SyntheticEvents counts the events about synthetic users. No other metric
	// counts them: a test must not look like people.
	SyntheticEvents = "SyntheticEvents"
)

// maxName bounds the value of a dimension: each value is billed.
const maxName = 64

// addZeros adds zero to every metric without a dimension, so that graphs and alarms
// of rare events have data while the system is in use.
func addZeros(b *emf.Batch) {
	for _, name := range []string{
		SignUpsAllowed, SignUpsRejected, UsersCreated, PasswordsReset,
		SignInsAttempted, SignInsUnknownUser, SignInsSucceeded, EventsConsumed,
		AppEvents, AppEventsDelayed, AppEventsRefused, SyntheticEvents,
		publish.MetricFellBack, publish.MetricLogged, EventsDrained,
	} {
		b.Add(name, emf.Count, 0)
	}
}

// reading returns what an event adds to the metrics. An unknown type is counted as
// consumed only, because new types are published before this function knows them.
func reading(ev event.Event) (func(*emf.Batch), error) {
	var name string
	var dims []emf.Dimension
	unknownUser := false
	switch ev.Type() {
	case contracts.TypeSignupAllowed:
		name = SignUpsAllowed
	case contracts.TypeSignupRejected:
		var data contracts.SignupRejected
		if ev.DataAs(&data) != nil {
			return nil, errUnreadable
		}
		name, dims = SignUpsRejected, dimension("Reason", data.Reason)
	case contracts.TypeUserCreated:
		name = UsersCreated
	case contracts.TypePasswordReset:
		name = PasswordsReset
	case contracts.TypeSigninAttempted:
		var data contracts.SigninAttempted
		if ev.DataAs(&data) != nil {
			return nil, errUnreadable
		}
		name, dims, unknownUser = SignInsAttempted, dimension("ClientId", contracts.ClientID(ev)), data.UserNotFound
	case contracts.TypeSigninSucceeded:
		name, dims = SignInsSucceeded, dimension("ClientId", contracts.ClientID(ev))
	case contracts.TypeAppEvent:
		name = AppEvents
	}
	if contracts.IsSynthetic(ev) {
		return func(b *emf.Batch) { b.Add(SyntheticEvents, emf.Count, 1) }, nil
	}
	return func(b *emf.Batch) {
		b.Add(EventsConsumed, emf.Count, 1)
		if name == "" {
			return
		}
		b.Add(name, emf.Count, 1)
		if len(dims) > 0 {
			b.Add(name, emf.Count, 1, dims...)
		}
		if unknownUser {
			b.Add(SignInsUnknownUser, emf.Count, 1)
		}
	}, nil
}

// errUnreadable is the error of an event whose data has another shape than its type
// says. It does not wrap the decoder's error, which can quote the data.
const errUnreadable consume.Poison = "data_of_another_shape"

// dimension is one dimension, or none if the value is missing or too long.
func dimension(name, value string) []emf.Dimension {
	if value == "" || len(value) > maxName {
		return nil
	}
	return []emf.Dimension{{Name: name, Value: value}}
}
