// Package recorder writes every event of the topic into the audit table once, however
// often and in whatever order it is delivered.
//
// The table's key is derived from the event alone, and an existing row is never
// overwritten. A copy of an event is counted and dropped, and a forged copy cannot
// change what was recorded. Event types that this version does not know are recorded
// too, so that the audit table has no gaps.
package recorder

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

// The metrics, written once per batch. ActToAuditRow is the longest time in the batch
// from an act to its row, without copies.
const (
	MetricWritten  = "AuditRowsWritten"
	MetricRepeated = "AuditRowsRepeated"
	MetricLag      = "ActToAuditRow"
)

// Store is what Recorder needs of the audit table.
type Store interface {
	Put(ctx context.Context, r Row) (Result, error)
	Claim(ctx context.Context, id string, at time.Time, expiresAt int64) (time.Time, error)
}

// Recorder is the function. Its fields are set once, before the first use.
type Recorder struct {
	Store       Store
	Environment string
	// Retention of a row, counted from the act; 0 keeps it forever.
	Retention time.Duration
	Log       *slog.Logger
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Now func() time.Time
}

// tally counts the results of one batch.
type tally struct {
	written, repeated int
	lag               time.Duration
}

// Handle answers one invocation by SQS.
func (r *Recorder) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	var t tally
	out, err := consume.Batch(ctx, r.Log, in, consume.Each(func(ctx context.Context, rec consume.Record) error {
		return r.record(ctx, rec.Event, &t)
	}))
	if err != nil {
		return out, fmt.Errorf("consume.Batch: %w", err)
	}
	r.count(ctx, t)
	return out, nil
}

func (r *Recorder) record(ctx context.Context, ev event.Event, t *tally) error {
	row, err := newRow(ev, ev.Time(), r.Now(), r.Retention)
	if err != nil {
		return err
	}
	if ev.Type() == contracts.TypeUserCreated {
		// Its id is derived from the user, so that all reports of one creation have
		// the same id, but each has its own time, which is part of the key.
		at, err := r.Store.Claim(ctx, ev.ID(), ev.Time(), row.ExpiresAt)
		if err != nil {
			return err
		}
		if row, err = newRow(ev, at, r.Now(), r.Retention); err != nil {
			return err
		}
	}
	result, err := r.Store.Put(ctx, row)
	if err != nil {
		return err
	}
	switch result {
	case Written:
		t.written++
		t.lag = max(t.lag, r.Now().Sub(ev.Time()))
	case Contradicted:
		r.Log.WarnContext(ctx, "a copy differs from the recorded event; the row is not changed",
			"id", ev.ID(), "type", ev.Type())
		t.repeated++
	case Repeated:
		t.repeated++
	}
	return nil
}

// count writes the metrics of a batch. If the function ends before it, the counts of
// one batch are lost, never a row.
func (r *Recorder) count(ctx context.Context, t tally) {
	b := emf.New(r.Environment)
	if t.written > 0 {
		b.Add(MetricWritten, emf.Count, float64(t.written))
		b.Add(MetricLag, emf.Milliseconds, float64(t.lag.Milliseconds()))
	}
	if t.repeated > 0 {
		b.Add(MetricRepeated, emf.Count, float64(t.repeated))
	}
	if err := b.Flush(r.Out, r.Now()); err != nil {
		r.Log.ErrorContext(ctx, "metrics not written", "error", err.Error())
	}
}
