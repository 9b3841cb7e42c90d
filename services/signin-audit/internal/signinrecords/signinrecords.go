// Package signinrecords makes an event of each failed sign-in that CloudTrail records.
// Cognito fires no trigger for a failure, so this is the only way to its reason.
//
// AWS delivers these records minutes late, in any order, more than once, and does not
// promise to deliver each. So an event has the id of its record, and unknown records are
// kept in the dead-letter queue, from which an operator can replay them.
//
// IP address and user agent go into the audit table and nowhere else. That is why the row
// is written here, before the event is published: the recorder never has them
// (docs/adr/0041).
package signinrecords

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/services/signin-audit/internal/recorder"
)

// The metrics, written once per batch, next to those of lambdakit/cloudtrail.
const (
	// MetricRead counts the records of the environment's pool. An alarm watches it: while
	// people sign in, there are records.
	MetricRead = "RecordsRead"
	// MetricAge is the longest time of a batch from an act to its record.
	MetricAge = "RecordAge"
)

// Owner says which pool and which of its clients a record is about.
type Owner interface {
	Of(context.Context, cloudtrail.Record) (pool string, of cloudtrail.Ownership, err error)
	Client(context.Context, cloudtrail.Record) (string, error)
}

// Rows is what Intake needs of the audit table.
type Rows interface {
	Keep(context.Context, recorder.Row) (recorder.Row, error)
}

// Users says which users are synthetic. A record does not have the address that would show it.
type Users interface {
	IsSynthetic(ctx context.Context, sub string) (bool, error)
}

// Publisher sends events to the topic.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Intake is the function. Its fields are set once, before the first use.
type Intake struct {
	// Parameters has the pool's ARN, which is the source of every event, as its first value.
	Parameters  cloudtrail.Values
	Owner       Owner
	Rows        Rows
	Users       Users
	Publisher   Publisher
	Environment string
	// Dead takes what no attempt can handle.
	Dead *consume.DeadLetters
	// Retention of a row, counted from the act; 0 keeps it forever.
	Retention time.Duration
	Log       *slog.Logger
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Now func() time.Time
}

// spare is the time that must be left of an invocation to publish the events whose rows
// are written: half of it for the topic, half for the outbox.
const spare = publish.Budget + 2*publish.Reserve

var errNotSent = errors.New("signinrecords: neither the topic nor the outbox accepted it")

// failure is a failed sign-in on its way: its event, and what only its row has.
type failure struct {
	event         event.Event
	ip, userAgent string
}

// Handle answers one invocation by SQS.
func (i *Intake) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	messages, err := consume.Messages(in)
	if err != nil {
		return events.SQSEventResponse{}, fmt.Errorf("consume.Messages: %w", err)
	}
	b := batch{failures: map[string]*failure{}}
	i.readAll(ctx, messages, &b)
	i.publish(ctx, i.keep(ctx, &b), &b)
	q := &consume.Consumer{Name: "signin-audit-signin-records", Environment: i.Environment, Dead: i.Dead, Out: i.Out, Log: i.Log, Now: i.Now}
	out := emf.New(i.Environment)
	cloudtrail.Settle(ctx, q, in, b.failed, b.foreign, out, b.known...)
	i.count(ctx, &b, out)
	return consume.Answer(in, b.failed), nil
}

// readAll judges the messages at the same time. Cognito is asked about a client that
// anybody can invent, and no other message waits for the answer.
func (i *Intake) readAll(ctx context.Context, messages []consume.Record, b *batch) {
	ctx, cancel := consume.WithSpare(ctx, 2*spare) // for the rows, too
	defer cancel()
	b.failed = consume.Each(func(ctx context.Context, m consume.Record) error { return i.read(ctx, m, b) })(ctx, messages)
	for _, m := range messages {
		if f := b.failures[m.MessageID]; f != nil {
			b.known = append(b.known, consume.Record{MessageID: m.MessageID, Event: f.event})
		}
	}
}

// read judges one message. A failed sign-in of the pool is added to the batch.
func (i *Intake) read(ctx context.Context, m consume.Record, b *batch) error {
	r, err := cloudtrail.Parse([]byte(m.Body))
	if err != nil {
		return NotARecord
	}
	_, of, err := i.Owner.Of(ctx, r)
	switch {
	case err != nil:
		return fmt.Errorf("Owner.Of: %w", err)
	case of == cloudtrail.Foreign, of == cloudtrail.Unnamed && (isDenied(r) || isCounted(r)):
		// If IAM refused a back end, CloudTrail left its parameters out: any pool's.
		b.add(func() { b.foreign++ })
		return nil
	case of == cloudtrail.Unnamed:
		return NoPool
	}
	b.add(func() { b.read, b.age = b.read+1, max(b.age, i.Now().Sub(r.Time)) })
	verdict, err := Judge(r)
	if err != nil || verdict.Failed == nil {
		return err
	}
	f, err := i.failure(ctx, r, *verdict.Failed)
	if err != nil {
		return err
	}
	b.add(func() { b.failures[m.MessageID] = f })
	return nil
}

// failure makes the event of a failed sign-in.
func (i *Intake) failure(ctx context.Context, r cloudtrail.Record, data contracts.SigninFailed) (*failure, error) {
	platform, err := i.Parameters.Values(ctx)
	if err != nil {
		return nil, fmt.Errorf("Parameters.Values: %w", err)
	}
	client, err := i.Owner.Client(ctx, r)
	if err != nil {
		return nil, fmt.Errorf("Owner.Client: %w", err)
	}
	sub := r.Sub()
	if !consume.IsName(r.ID) || sub != "" && !contracts.IsCognitoSub(sub) {
		return nil, UnusualName
	}
	ev, err := contracts.NewSigninFailed(contracts.Act{ID: r.ID, PoolARN: platform[0], Subject: sub, ClientID: client, Time: r.Time}, data)
	if err != nil {
		return nil, fmt.Errorf("contracts.NewSigninFailed: %w", err)
	}
	return &failure{event: ev, ip: r.SourceIP, userAgent: r.UserAgent}, nil
}

// keep writes the rows, all at the same time, and returns the records whose rows exist. If an earlier copy of a
// record had other content, the event repeats what was recorded, including the user's mark.
func (i *Intake) keep(ctx context.Context, b *batch) []consume.Record {
	ctx, cancel := consume.WithSpare(ctx, spare)
	defer cancel()
	failed := consume.Each(func(ctx context.Context, r consume.Record) error {
		f := b.failures[r.MessageID]
		row, err := recorder.NewRow(f.event, recorder.Claimed{ID: f.event.ID(), At: f.event.Time()}, i.Now(), i.Retention)
		if err != nil {
			return err
		}
		row.IP, row.UserAgent = f.ip, f.userAgent
		if row.Sub != "" {
			if row.Synthetic, err = i.Users.IsSynthetic(ctx, row.Sub); err != nil {
				return fmt.Errorf("Users.IsSynthetic: %w", err)
			}
		}
		if row, err = i.Rows.Keep(ctx, row); err != nil {
			return fmt.Errorf("Rows.Keep: %w", err)
		}
		if row.Synthetic {
			f.event.SetExtension(contracts.SyntheticExtension, true)
		}
		// As bytes it would be base64 in the event.
		if err := f.event.SetData(event.ApplicationJSON, json.RawMessage(row.Data)); err != nil {
			return fmt.Errorf("event.SetData: %w", err)
		}
		return nil
	})(ctx, b.known)
	var kept []consume.Record
	for _, r := range b.known {
		if err := failed[r.MessageID]; err != nil {
			b.failed[r.MessageID] = err
			continue
		}
		kept = append(kept, r)
	}
	return kept
}

// publish sends the events of the records whose rows exist, all together.
func (i *Intake) publish(ctx context.Context, kept []consume.Record, b *batch) {
	if len(kept) == 0 {
		return
	}
	evs := make([]event.Event, len(kept))
	for n, r := range kept {
		evs[n] = b.failures[r.MessageID].event
	}
	outcomes, err := i.Publisher.Publish(ctx, evs...)
	if err != nil {
		i.Log.ErrorContext(ctx, "not an event", "error", err.Error())
	}
	for n, r := range kept {
		if !outcomes[n].Acknowledged() {
			// The queue keeps the record more safely than a log line does.
			b.failed[r.MessageID] = errNotSent
		}
	}
}

// isCounted reports a record that is only counted.
func isCounted(r cloudtrail.Record) bool {
	name, _ := nameOf(r)
	return name.Counted
}

// isDenied reports a call that IAM refused.
func isDenied(r cloudtrail.Record) bool {
	line, _ := refusalOf(r.ErrorCode, "")
	return line.Reason == contracts.FailedNotAllowed
}
