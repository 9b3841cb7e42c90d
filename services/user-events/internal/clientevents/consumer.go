// Package clientevents publishes what apps send to the client-events queues with the
// temporary credentials of the identity pool.
//
// Everything in such a message comes from outside. Who sent it is known from the queue
// alone, which accepts messages of one role only, and when from SQS. A message that
// does not have exactly the expected form is never published: it is moved to the
// dead-letter queue, where an operator can look at it.
package clientevents

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/user-events/internal/metrics"
)

// Publisher sends events to the topic.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Parameters are those that the platform stack writes: the user pool's ARN, which is
// the source of every event.
type Parameters interface {
	Values(context.Context) ([]string, error)
}

// Limiter says how many of n events may be published now.
type Limiter interface {
	Take(ctx context.Context, who string, n int, now time.Time) (int, error)
}

// Consumer handles batches of the client-events queues.
type Consumer struct {
	// Queues maps the ARN of a queue to who sends there.
	Queues map[string]string
	// Dead has the dead-letter queue of each, by the same ARNs.
	Dead        map[string]*consume.DeadLetters
	Publisher   Publisher
	Platform    Parameters
	Limiter     Limiter
	Environment string
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

var errLimit = errors.New("clientevents: over the limit of this minute; it will be delivered again")

// Handle answers one invocation by SQS. All its messages are of one queue.
func (c *Consumer) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	if len(in.Records) == 0 {
		return consume.Answer(in, nil), nil
	}
	now, failed, out := c.Now(), map[string]error{}, emf.New(c.Environment)
	queue := in.Records[0].EventSourceARN
	who, ok := c.Queues[queue]
	if !ok {
		return events.SQSEventResponse{}, errors.New("clientevents: a batch of an unknown queue")
	}
	platform, err := c.Platform.Values(ctx)
	if err != nil {
		return events.SQSEventResponse{}, fmt.Errorf("Platform.Values: %w", err)
	}
	var good []consume.Record
	refused := map[string]consume.Poison{}
	for _, m := range in.Records {
		if m.MessageId == "" || m.EventSourceARN != queue {
			return events.SQSEventResponse{}, errors.New("clientevents: a batch that cannot come from SQS")
		}
		ev, err := c.eventOf(m, who, platform[0])
		if err != nil {
			refused[m.MessageId] = poison(err)
			failed[m.MessageId] = refused[m.MessageId]
			continue
		}
		good = append(good, consume.Record{MessageID: m.MessageId, Event: ev})
	}
	known := good
	within, err := c.within(ctx, who, len(good), out, now)
	if err != nil {
		// If the limit cannot be read, no event is published now.
		for _, r := range good {
			failed[r.MessageID] = err
		}
		good = nil
	}
	c.publish(ctx, good[:within], failed)
	q := consume.Consumer{Name: "user-events-client-events", Environment: c.Environment, Dead: c.Dead[queue], Out: c.Out, Log: c.Log, Now: c.Now}
	q.Settle(ctx, in, failed, known...)
	count(out, refused, failed)
	if err := out.Flush(c.Out, now); err != nil {
		c.Log.ErrorContext(ctx, "metrics not written", "error", err.Error())
	}
	// After Settle, because they did not fail: anybody can send more than the limit.
	for _, r := range good[within:] {
		failed[r.MessageID] = errLimit
	}
	return consume.Answer(in, failed), nil
}

// poison is the reason why a message is not an app event.
func poison(err error) consume.Poison {
	var reason Reason
	if errors.As(err, &reason) {
		return consume.Poison(reason)
	}
	return "unreadable"
}

// count counts the refused messages once, when they are in the dead-letter queue.
func count(out *emf.Batch, refused map[string]consume.Poison, failed map[string]error) {
	for id, why := range refused {
		if failed[id] == nil {
			out.Add(metrics.AppEventsRefused, emf.Count, 1)
			out.Add(metrics.AppEventsRefused, emf.Count, 1, emf.Dimension{Name: "Reason", Value: string(why)})
		}
	}
}

// eventOf makes the event of a message. Its id is SQS's, which is the same at each
// delivery and which no sender can choose.
func (c *Consumer) eventOf(m events.SQSMessage, who, pool string) (event.Event, error) {
	sent, err := sentAt(m.Attributes)
	if err != nil {
		return event.Event{}, err
	}
	data, err := Parse([]byte(m.Body), sent)
	if err != nil {
		return event.Event{}, err
	}
	data.Who = who
	ev, err := contracts.NewAppEvent(contracts.Act{ID: m.MessageId, PoolARN: pool, Time: sent}, data)
	if err != nil {
		return event.Event{}, fmt.Errorf("contracts.NewAppEvent: %w", err)
	}
	return ev, nil
}

// within says how many of n events the limit of this minute allows.
func (c *Consumer) within(ctx context.Context, who string, n int, out *emf.Batch, now time.Time) (int, error) {
	if n == 0 {
		return 0, nil
	}
	allowed, err := c.Limiter.Take(ctx, who, n, now)
	if err != nil {
		return 0, fmt.Errorf("Limiter.Take: %w", err)
	}
	if over := n - allowed; over > 0 {
		c.Log.WarnContext(ctx, "over the limit of this minute; the events will be delivered again", "who", who, "events", over)
		out.Add(metrics.AppEventsDelayed, emf.Count, float64(over))
	}
	return allowed, nil
}

// publish sends the events of a batch together.
func (c *Consumer) publish(ctx context.Context, batch []consume.Record, failed map[string]error) {
	if len(batch) == 0 {
		return
	}
	evs := make([]event.Event, len(batch))
	for i, r := range batch {
		evs[i] = r.Event
	}
	outcomes, err := c.Publisher.Publish(ctx, evs...)
	if err != nil {
		c.Log.ErrorContext(ctx, "not an event", "error", err.Error())
	}
	for i, r := range batch {
		if !outcomes[i].Acknowledged() {
			// The queue keeps the event more safely than a log line does. Its id stays the
			// same.
			failed[r.MessageID] = errors.New("clientevents: neither the topic nor the outbox accepted it")
		}
	}
}

// keep is how long a minute's row is kept.
const keep = time.Hour

// MinuteLimit limits the events of each queue per minute of the clock, over all
// instances of the function. It counts in the ledger's table, in rows of its own.
type MinuteLimit struct {
	Counts    *metrics.Counts
	PerMinute int
}

// Take requests n events and returns how many of them may be published. Refused ones
// count too, so that one request is enough.
func (l *MinuteLimit) Take(ctx context.Context, who string, n int, now time.Time) (int, error) {
	total, err := l.Counts.Add(ctx, Key(who, now), n, now.Add(keep))
	if err != nil {
		return 0, fmt.Errorf("counts.Add: %w", err)
	}
	return min(n, max(0, l.PerMinute-(total-n))), nil
}

// Key identifies a minute's row. No event's key has this form.
func Key(who string, now time.Time) string {
	return "limit#" + who + "#" + now.UTC().Format("2006-01-02T15:04Z")
}
