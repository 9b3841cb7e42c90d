// Package bridge puts every event of the topic on the custom bus, where rules of
// other teams and vendors can select them. The detail is the whole CloudEvent, so its
// id stays the same.
package bridge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/reason"
)

// Source of every event on the bus. The function's role allows no other.
const Source = "gatehouse.user-events"

// limit bounds one request.
const limit = 2 * time.Second

// maxType is the longest DetailType, in characters
// (https://docs.aws.amazon.com/sdk-for-kotlin/api/latest/eventbridge/aws.sdk.kotlin.services.eventbridge.model/-put-events-request-entry/detail-type.html).
// AWS does not document whether a longer one fails its entry or the whole request,
// so it is not sent with others.
const maxType = 128

// errLongType is the error of an event whose type is longer than EventBridge takes.
const errLongType consume.Poison = "type_too_long"

// Bus is what Bridge needs of EventBridge.
type Bus interface {
	PutEvents(context.Context, *eventbridge.PutEventsInput, ...func(*eventbridge.Options)) (*eventbridge.PutEventsOutput, error)
}

// Bridge takes batches of events from its queue.
type Bridge struct {
	Bus                  Bus
	BusName, Environment string
	// Dead takes what no attempt can handle.
	Dead *consume.DeadLetters
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// Handle answers one invocation by SQS.
func (b *Bridge) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	q := consume.Consumer{Name: "user-events-bridge", Environment: b.Environment, Dead: b.Dead, Out: b.Out, Log: b.Log, Now: b.Now}
	return q.Batch(ctx, in, b.put)
}

func (b *Bridge) put(ctx context.Context, batch []consume.Record) map[string]error {
	failed := map[string]error{}
	fitting := make([]consume.Record, 0, len(batch))
	for _, r := range batch {
		if len(r.Event.Type()) > maxType {
			failed[r.MessageID] = errLongType
			continue
		}
		fitting = append(fitting, r)
	}
	for _, part := range consume.Split(fitting, maxEntries, maxBytes, func(r consume.Record) int { return len(r.Body) }) {
		b.request(ctx, part, failed)
	}
	return failed
}

// request sends one request and adds the entries that the bus did not accept to
// failed. The response has one entry for each of the request's, in the same order.
func (b *Bridge) request(ctx context.Context, part []consume.Record, failed map[string]error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	entries := make([]types.PutEventsRequestEntry, len(part))
	for i, r := range part {
		entries[i] = b.entry(r)
	}
	out, err := b.Bus.PutEvents(ctx, &eventbridge.PutEventsInput{Entries: entries})
	for i, r := range part {
		switch {
		case err != nil:
			failed[r.MessageID] = fmt.Errorf("eventbridge.PutEvents: %w", reason.Safe(err))
		case i >= len(out.Entries):
			failed[r.MessageID] = errors.New("eventbridge.PutEvents: no answer for this entry")
		case out.Entries[i].ErrorCode != nil:
			failed[r.MessageID] = fmt.Errorf("eventbridge.PutEvents: %s", *out.Entries[i].ErrorCode)
		}
	}
}

func (b *Bridge) entry(r consume.Record) types.PutEventsRequestEntry {
	entry := types.PutEventsRequestEntry{
		EventBusName: &b.BusName,
		Source:       aws.String(Source),
		DetailType:   aws.String(r.Event.Type()),
		Detail:       aws.String(r.Body),
	}
	if t := r.Event.Time(); !t.IsZero() {
		entry.Time = aws.Time(t)
	}
	// EventBridge passes it to its targets.
	if header := contracts.TraceHeader(r.Event); header != "" {
		entry.TraceHeader = aws.String(header)
	}
	return entry
}

// EventBridge accepts ten entries and 256 KiB in one request, and ten of the largest
// events are larger
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html).
const (
	maxEntries = 10
	// maxBytes leaves room for the other fields of an entry.
	maxBytes = 240 << 10
)
