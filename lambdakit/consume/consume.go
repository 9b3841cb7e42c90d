// Package consume reads events from an SQS queue that is subscribed to the topic
// with raw delivery. It keeps two promises for every consumer: a bad message
// neither delays nor repeats the others, and no message is dropped. One that failed
// is delivered again, for hours if an outage lasts that long. One that no attempt can
// handle is [Poison]: the consumer moves it to the dead-letter queue at once, where an
// operator can look at it.
//
// It follows AWS's rules for partial batch responses
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
package consume

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/emf"
)

// Record is one message that holds a valid event.
type Record struct {
	MessageID string
	Event     event.Event
	// Body is the event as it was sent.
	Body string
}

// Func handles a batch of valid events. It returns the errors of those that
// failed by message id; a missing id means success.
type Func func(ctx context.Context, batch []Record) map[string]error

// Parallel is how many events of a batch Each handles at the same time. A handler waits
// for AWS most of its time, and the SDK keeps as many idle connections to one host
// (MaxIdleConnsPerHost, 10 by default); more would be opened and closed again.
const Parallel = 10

// Each makes a Func of a handler for single events, which it calls for up to [Parallel]
// events at the same time: what the calls share is the handler's to guard. It returns
// when all have ended. An event that panics fails alone.
func Each(handle func(context.Context, Record) error) Func {
	return func(ctx context.Context, batch []Record) map[string]error {
		var (
			all    sync.WaitGroup
			next   atomic.Int64
			errs   = make([]error, len(batch))
			failed = map[string]error{}
		)
		for range min(Parallel, len(batch)) {
			all.Go(func() {
				for i := next.Add(1) - 1; i < int64(len(batch)); i = next.Add(1) - 1 {
					errs[i] = guarded(ctx, batch[i], handle)
				}
			})
		}
		all.Wait()
		for i, r := range batch {
			if errs[i] != nil {
				failed[r.MessageID] = errs[i]
			}
		}
		return failed
	}
}

// Metrics of deliveries, with the dimension Consumer. SQS's age of the oldest message
// does not include messages that were received more than three times, so that
// MetricRetried is what shows an outage
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
const (
	// MetricRetried counts messages that failed and will be delivered again, at each attempt.
	MetricRetried = "EventsRetried"
	// MetricDead counts messages that the consumer moved to its dead-letter queue.
	MetricDead = "EventsDead"
	// ConsumerDimension is the name of the consumer, such as user-events-metrics.
	ConsumerDimension = "Consumer"
)

// Consumer is the reader of one queue.
type Consumer struct {
	// Name is that of the function, without the environment: user-events-metrics.
	Name, Environment string
	// Dead takes poison. Without it, poison is delivered again until SQS moves it.
	Dead *DeadLetters
	// Out takes the metric lines; in a function it is standard output. Without it there
	// are no metrics.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// Batch is [Consumer.Batch] for a consumer that only logs.
func Batch(ctx context.Context, log *slog.Logger, in events.SQSEvent, handle Func) (events.SQSEventResponse, error) {
	return (&Consumer{Log: log}).Batch(ctx, in, handle)
}

// Messages are those of a batch, whose events are not read. It returns an error for a batch
// that has no partial answer because a message has no id: Lambda then repeats the whole batch.
func Messages(in events.SQSEvent) ([]Record, error) {
	messages := make([]Record, 0, len(in.Records))
	for _, m := range in.Records {
		if m.MessageId == "" {
			return nil, errors.New("consume: message without an id")
		}
		messages = append(messages, Record{MessageID: m.MessageId, Body: m.Body})
	}
	return messages, nil
}

// Batch answers one invocation by SQS. Its error is that of Messages.
func (c *Consumer) Batch(ctx context.Context, in events.SQSEvent, handle Func) (events.SQSEventResponse, error) {
	messages, err := Messages(in)
	if err != nil {
		return events.SQSEventResponse{}, err
	}
	failed := map[string]error{}
	batch := make([]Record, 0, len(messages))
	for _, m := range messages {
		if m.Event, err = contracts.Decode([]byte(m.Body)); err != nil {
			failed[m.MessageID] = NotAnEvent // the error can quote the body, which may contain anything
			continue
		}
		batch = append(batch, m)
	}
	if len(batch) > 0 {
		maps.Copy(failed, guardedBatch(ctx, batch, handle))
	}
	c.Settle(ctx, in, failed, batch...)
	return Answer(in, failed), nil
}

// Settle logs and counts the failures of a batch, which are by message id, and moves
// the poison to the dead-letter queue. What it moved is no longer in failed; the rest
// will be delivered again. It is for consumers of messages that are not events; known are
// the events that they made of them, which the log lines name.
func (c *Consumer) Settle(ctx context.Context, in events.SQSEvent, failed map[string]error, known ...Record) {
	moved, retried := c.bury(ctx, in, failed, known), 0
	for _, m := range in.Records {
		err := failed[m.MessageId]
		var why Poison
		if err == nil {
			continue
		}
		retried++
		if !errors.As(err, &why) { // poison is logged already
			c.Log.ErrorContext(ctx, Retried, append(names(m, known), ErrorKey, err.Error())...)
		}
	}
	if c.Out == nil {
		return
	}
	b := emf.New(c.Environment)
	for name, n := range map[string]int{MetricDead: moved, MetricRetried: retried} {
		if n > 0 {
			b.Add(name, emf.Count, float64(n), emf.Dimension{Name: ConsumerDimension, Value: c.Name})
		}
	}
	if err := b.Flush(c.Out, c.Now()); err != nil {
		c.Log.ErrorContext(ctx, "metrics not written", "error", err.Error())
	}
}

// WithSpare ends ctx some time before its own deadline, if it has one, so that a handler
// can finish what it began.
func WithSpare(ctx context.Context, spare time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(ctx, deadline.Add(-spare))
	}
	return ctx, func() {}
}

// Answer lists the failures, which are by message id, in the order of the batch and
// each once. It is for consumers of messages that are not events.
func Answer(in events.SQSEvent, failed map[string]error) events.SQSEventResponse {
	out := events.SQSEventResponse{BatchItemFailures: []events.SQSBatchItemFailure{}}
	for _, m := range in.Records {
		if failed[m.MessageId] != nil {
			out.BatchItemFailures = append(out.BatchItemFailures, events.SQSBatchItemFailure{ItemIdentifier: m.MessageId})
			delete(failed, m.MessageId)
		}
	}
	return out
}

// guardedBatch fails every event of a batch whose handler panics. Otherwise the
// process would end, without an answer for the messages that are not events.
func guardedBatch(ctx context.Context, batch []Record, handle Func) (failed map[string]error) {
	defer func() {
		if p := recover(); p != nil {
			failed = map[string]error{}
			for _, r := range batch {
				failed[r.MessageID] = fmt.Errorf("consume: panic of type %T", p)
			}
		}
	}()
	return handle(ctx, batch)
}

func guarded(ctx context.Context, r Record, handle func(context.Context, Record) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("consume: panic of type %T", p)
		}
	}()
	return handle(ctx, r)
}
