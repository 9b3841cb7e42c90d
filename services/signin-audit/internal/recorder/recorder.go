// Package recorder writes every event of the topic into the audit table once, however
// often and in whatever order it is delivered.
//
// The table's key is derived from the event alone, and an existing row is never
// overwritten. A copy of an event is counted and dropped, and a forged copy cannot
// change what was recorded. Event types that this version does not know are recorded
// too, so that the audit table has no gaps.
package recorder

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
)

// The metrics, written once per batch. ActToAuditRow is the longest time in the batch
// from an act to its row, without copies; once of all events, and once of each type.
const (
	MetricWritten  = "AuditRowsWritten"
	MetricRepeated = "AuditRowsRepeated"
	MetricLag      = "ActToAuditRow"
)

// Store is what Recorder needs of the audit table.
type Store interface {
	Put(ctx context.Context, r Row) (Result, error)
	Claim(ctx context.Context, claim string, by Claimed, expiresAt int64) (Claimed, error)
}

// Recorder is the function. Its fields are set once, before the first use.
type Recorder struct {
	Store       Store
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

// tally counts the results of one batch, whose events are recorded at the same time.
type tally struct {
	mu sync.Mutex

	written, repeated int
	lag               time.Duration
	lags              map[string]time.Duration // by type, of the catalogue's types
}

// wrote counts a row that was written.
func (t *tally) wrote(eventType string, lag time.Duration) {
	t.written++
	t.lag = max(t.lag, lag)
	// Another type would be a series of its own, and each is billed.
	if slices.Contains(contracts.Types(), eventType) {
		t.lags[eventType] = max(t.lags[eventType], lag)
	}
}

// Handle answers one invocation by SQS.
func (r *Recorder) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	t := tally{lags: map[string]time.Duration{}}
	q := consume.Consumer{Name: "signin-audit-recorder", Environment: r.Environment, Dead: r.Dead, Out: r.Out, Log: r.Log, Now: r.Now}
	out, err := q.Batch(ctx, in, consume.Each(func(ctx context.Context, rec consume.Record) error {
		return r.record(ctx, rec.Event, &t)
	}))
	if err != nil {
		return out, fmt.Errorf("Consumer.Batch: %w", err)
	}
	r.count(ctx, &t)
	return out, nil
}

func (r *Recorder) record(ctx context.Context, ev event.Event, t *tally) error {
	row, err := NewRow(ev, Claimed{ev.ID(), ev.Time()}, r.Now(), r.Retention)
	if err != nil {
		return err
	}
	if claim, derived := contracts.ClaimID(ev); derived {
		// All reports of the act have one id, or that of an earlier version, but each has
		// its own time, which is part of the key.
		first, err := r.Store.Claim(ctx, claim, Claimed{ev.ID(), ev.Time()}, row.ExpiresAt)
		if err != nil {
			return err
		}
		if row, err = NewRow(ev, first, r.Now(), r.Retention); err != nil {
			return err
		}
	}
	result, err := r.Store.Put(ctx, row)
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch result {
	case Written:
		t.wrote(ev.Type(), r.Now().Sub(ev.Time()))
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
func (r *Recorder) count(ctx context.Context, t *tally) {
	b := emf.New(r.Environment)
	if t.written > 0 {
		b.Add(MetricWritten, emf.Count, float64(t.written))
		b.Add(MetricLag, emf.Milliseconds, float64(t.lag.Milliseconds()))
	}
	for eventType, lag := range t.lags {
		b.Add(MetricLag, emf.Milliseconds, float64(lag.Milliseconds()), emf.Dimension{Name: "Type", Value: eventType})
	}
	if t.repeated > 0 {
		b.Add(MetricRepeated, emf.Count, float64(t.repeated))
	}
	if err := b.Flush(r.Out, r.Now()); err != nil {
		r.Log.ErrorContext(ctx, "metrics not written", "error", err.Error())
	}
}

// Row is one row of the audit table; [Row.item] names its attributes.
type Row struct {
	// PK is "user#<sub>", or "none#<pool id>#<day>" for an event without a subject.
	PK string
	// SK is "<time>#<id>".
	SK string
	// Day and TypeTime are the key of the index by day: "<type>#<time>#<id>".
	Day, TypeTime string

	ID, Type, Time, Pool, Client, Sub string
	// Data is the event's data as compact JSON; empty if it has none.
	Data       string
	ReceivedAt string
	// IP and UserAgent are the caller's, of a failed sign-in; nothing but the row has them.
	IP, UserAgent string
	// Synthetic is set for a synthetic user, so that readers can leave such rows
	// out.
	Synthetic bool
	// ExpiresAt is in seconds since 1970; 0 keeps the row forever.
	ExpiresAt int64
}

// Claimed is what an act is recorded under.
type Claimed struct {
	ID string
	At time.Time
}

// NewRow makes the row of an event. Apart from ReceivedAt it depends on the event and on
// its claim alone: every copy of an event has the same key and the same content.
func NewRow(ev event.Event, under Claimed, received time.Time, retention time.Duration) (Row, error) {
	at, id := under.At, under.ID
	if at.IsZero() {
		// Without a time, every copy would have a time and a row of its own.
		return Row{}, errNoTime
	}
	data, err := compact(ev.Data())
	if err != nil {
		return Row{}, err
	}
	stamp, day := Stamp(at), at.UTC().Format(time.DateOnly)
	pool := contracts.PoolID(ev.Source())
	pk := NobodyKey(pool, day)
	if ev.Subject() != "" {
		pk = UserKey(ev.Subject())
	}
	r := Row{
		PK: pk, SK: SortKey(stamp, id),
		Day: day, TypeTime: ev.Type() + "#" + stamp + "#" + id,
		ID: id, Type: ev.Type(), Time: stamp, Pool: pool,
		Client: contracts.ClientID(ev), Sub: ev.Subject(), Data: data,
		ReceivedAt: Stamp(received), Synthetic: contracts.IsSynthetic(ev),
	}
	if len(r.PK) > maxPartitionKey || len(r.SK) > maxSortKey || len(r.TypeTime) > maxSortKey {
		return Row{}, errLongKey
	}
	if retention > 0 {
		// Counted from the act, not from now: a copy must not be kept longer.
		r.ExpiresAt = at.Add(retention).Unix()
	}
	return r, nil
}

// Errors of events that the table can never hold.
const (
	errNoTime  consume.Poison = "no_time"
	errLongKey consume.Poison = "key_too_long"
)

// The longest keys, in bytes
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html).
const (
	maxPartitionKey = 2048
	maxSortKey      = 1024
)

// compact removes the spaces from JSON. Data of another media type, which an event of
// an unknown type may have, is kept as a JSON string.
func compact(data []byte) (string, error) {
	if len(data) == 0 {
		return "", nil
	}
	var b bytes.Buffer
	if json.Compact(&b, data) == nil {
		return b.String(), nil
	}
	text, err := json.Marshal(string(data))
	if err != nil {
		return "", fmt.Errorf("json.Marshal: %w", err)
	}
	return string(text), nil
}

// TimeLayout is RFC 3339 with a fixed number of digits, so that keys sort by time.
const TimeLayout = "2006-01-02T15:04:05.000000000Z"

// Stamp formats a time for a key.
func Stamp(at time.Time) string { return at.UTC().Format(TimeLayout) }

// UserKey is the partition of a person's rows.
func UserKey(sub string) string { return "user#" + sub }

// NobodyKey is the partition of the rows of one day and pool that have no subject.
func NobodyKey(pool, day string) string { return "none#" + pool + "#" + day }

// SortKey is the key of a row in its partition.
func SortKey(stamp, id string) string { return stamp + "#" + id }
