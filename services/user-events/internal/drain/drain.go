// Package drain publishes the events of the outbox, which the topic had refused: the
// same bytes, the same id and the same message attributes, so that a consumer sees no
// difference.
package drain

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/reason"
	"gatehouse.example/services/user-events/internal/metrics"
)

// limit bounds one event, retries included: if ten time out, the function must have
// time to report which of them failed.
const limit = 800 * time.Millisecond

// Topic is what Drain needs of SNS.
type Topic interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Drain publishes what is in the outbox.
type Drain struct {
	Topic       Topic
	TopicARN    string
	Environment string
	// Dead takes what no attempt can handle.
	Dead *consume.DeadLetters
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// Handle answers one invocation by SQS.
func (d *Drain) Handle(ctx context.Context, in events.SQSEvent) (events.SQSEventResponse, error) {
	q := consume.Consumer{Name: "user-events-drain", Environment: d.Environment, Dead: d.Dead, Out: d.Out, Log: d.Log, Now: d.Now}
	return q.Batch(ctx, in, d.drain)
}

func (d *Drain) drain(ctx context.Context, batch []consume.Record) map[string]error {
	failed := consume.Each(d.publish)(ctx, batch)
	out := emf.New(d.Environment)
	out.Add(metrics.EventsDrained, emf.Count, float64(len(batch)-len(failed)))
	if err := out.Flush(d.Out, d.Now()); err != nil {
		d.Log.ErrorContext(ctx, "metric not written", "error", err.Error())
	}
	return failed
}

func (d *Drain) publish(ctx context.Context, r consume.Record) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	_, err := d.Topic.Publish(ctx, publish.Message(d.TopicARN, r.Event, r.Body))
	if err != nil {
		return fmt.Errorf("sns.Publish: %w", reason.Safe(err))
	}
	return nil
}
