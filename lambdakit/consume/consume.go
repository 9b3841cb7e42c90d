// Package consume reads events from an SQS queue that is subscribed to the topic
// with raw delivery. It keeps two promises for every consumer: a bad message
// neither delays nor repeats the others, and no message is dropped. One that cannot
// be handled goes back to the queue and, after the last attempt, to the dead-letter
// queue, where an operator can look at it.
//
// It follows AWS's rules for partial batch responses
// (https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html).
package consume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/aws/aws-lambda-go/events"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
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

// Batch answers one invocation by SQS. It returns an error for a batch that has no
// partial answer because a message has no id: Lambda then repeats the whole batch.
func Batch(ctx context.Context, log *slog.Logger, in events.SQSEvent, handle Func) (events.SQSEventResponse, error) {
	failed := map[string]error{}
	batch := make([]Record, 0, len(in.Records))
	for _, m := range in.Records {
		if m.MessageId == "" {
			return events.SQSEventResponse{}, errors.New("consume: message without an id")
		}
		ev, err := contracts.Decode([]byte(m.Body))
		if err != nil {
			// The error can quote the body, which may contain anything: log the size only.
			log.ErrorContext(ctx, "message is not an event; it goes to the dead-letter queue after the last attempt",
				"messageId", m.MessageId, "bytes", len(m.Body))
			failed[m.MessageId] = err
			continue
		}
		batch = append(batch, Record{MessageID: m.MessageId, Event: ev, Body: m.Body})
	}
	if len(batch) > 0 {
		for id, err := range guardedBatch(ctx, batch, handle) {
			if err == nil {
				continue
			}
			log.ErrorContext(ctx, "event not handled; it will be delivered again", "messageId", id, "error", err.Error())
			failed[id] = err
		}
	}
	return Answer(in, failed), nil
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
