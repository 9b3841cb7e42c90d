// Package accountrecords publishes what CloudTrail's records say about accounts and the
// user pool: no trigger of Cognito reports a deletion, a new group or another password.
//
// AWS delivers the records minutes late, in any order, and perhaps not at all
// (docs/adr/0042-records-of-accounts.md). Everything in a record that is not an id, a
// code or a name of the table is left out: the rest can be personal data.
package accountrecords

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
)

// The metrics of records that no event was made of, next to those of lambdakit/cloudtrail
// and with the same dimension.
const (
	// RecordsIgnored counts calls that failed and operations that are ignored, at each delivery.
	RecordsIgnored = "RecordsIgnored"
	// RecordsUnattributed counts records that no pool could be found for, at each delivery.
	RecordsUnattributed = "RecordsUnattributed"
)

// Publisher sends events to the topic.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Pools says which pool a record is about, and which of its clients, as far as it knows.
type Pools interface {
	Of(context.Context, cloudtrail.Record) (pool string, of cloudtrail.Ownership, err error)
	Client(context.Context, cloudtrail.Record) (string, error)
}

// Users knows the users of the pool.
type Users interface {
	// Find says whether the pool has, or had, a user. It asks Cognito only if ask is set.
	Find(ctx context.Context, pool, sub string, ask bool) (found, synthetic bool, err error)
	// Remember keeps that the pool has a user.
	Remember(ctx context.Context, pool, sub string, synthetic bool) error
	// Forget drops a user some time after a deletion.
	Forget(ctx context.Context, pool, sub string) error
}

// Platform are the values that the platform stack writes; the first is the pool's ARN.
type Platform interface {
	Values(context.Context) ([]string, error)
}

// Consumer handles batches of the queue of records.
type Consumer struct {
	Platform  Platform
	Pools     Pools
	Users     Users
	Publisher Publisher
	Dead      *consume.DeadLetters

	Environment string
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// batch is what the messages of one invocation become.
type batch struct {
	mu     sync.Mutex
	events map[string]event.Event // by message
	counts map[string]int         // by metric
}

// Handle answers one invocation by SQS.
func (c *Consumer) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	records, err := consume.Messages(in)
	if err != nil {
		return events.SQSEventResponse{}, fmt.Errorf("consume.Messages: %w", err)
	}
	b := &batch{events: map[string]event.Event{}, counts: map[string]int{}}
	failed := consume.Each(func(ctx context.Context, m consume.Record) error {
		ev, dropped, err := c.read(ctx, []byte(m.Body))
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case err != nil:
			return err
		case dropped != "":
			b.counts[dropped]++
		default:
			b.events[m.MessageID] = ev
		}
		return nil
	})(ctx, records)
	known := c.publish(ctx, in, b, failed)
	q := &consume.Consumer{Name: "user-events-account-records", Environment: c.Environment, Dead: c.Dead, Out: c.Out, Log: c.Log, Now: c.Now}
	out := emf.New(c.Environment)
	cloudtrail.Settle(ctx, q, in, failed, b.counts[cloudtrail.MetricForeign], out, known...)
	// Each has a zero, so that graphs have data while records come.
	for _, name := range []string{RecordsIgnored, RecordsUnattributed} {
		out.Add(name, emf.Count, float64(b.counts[name]), emf.Dimension{Name: consume.ConsumerDimension, Value: q.Name})
	}
	if err := out.Flush(c.Out, c.Now()); err != nil {
		c.Log.ErrorContext(ctx, "metrics not written", "error", err.Error())
	}
	return consume.Answer(in, failed), nil
}

var errNotAccepted = errors.New("accountrecords: neither the topic nor the outbox accepted it")

// publish sends the events of a batch together, in the order of their messages. The queue
// keeps a record more safely than a log line does, and the id of its event stays the same.
func (c *Consumer) publish(ctx context.Context, in events.SQSEvent, b *batch, failed map[string]error) []consume.Record {
	var known []consume.Record
	var evs []event.Event
	for _, m := range in.Records {
		if ev, ok := b.events[m.MessageId]; ok {
			known, evs = append(known, consume.Record{MessageID: m.MessageId, Event: ev}), append(evs, ev)
		}
	}
	if len(evs) == 0 {
		return nil
	}
	outcomes, err := c.Publisher.Publish(ctx, evs...)
	if err != nil {
		c.Log.ErrorContext(ctx, "not an event", "error", err.Error())
	}
	var deleted []consume.Record
	for i, r := range known {
		switch {
		case i >= len(outcomes) || !outcomes[i].Acknowledged():
			failed[r.MessageID] = errNotAccepted
		case r.Event.Type() == contracts.TypeUserDeleted:
			deleted = append(deleted, r)
		}
	}
	maps.Copy(failed, consume.Each(c.forget)(ctx, deleted))
	return known
}

// forget drops the user of an event.
func (c *Consumer) forget(ctx context.Context, r consume.Record) error {
	if err := c.Users.Forget(ctx, contracts.PoolID(r.Event.Source()), r.Event.Subject()); err != nil {
		return fmt.Errorf("users.Forget: %w", err)
	}
	return nil
}
