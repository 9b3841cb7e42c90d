// Package publish sends an event to the topic and never loses it on the way:
// first the topic, then the outbox queue, then one log line that
// `gatehouse events recover` reads back.
//
// It is made for Cognito triggers, which have five seconds in all
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html):
// every way has its own time limit, and together they stay below three.
package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/reason"
)

const (
	// topicAttempts and topicTimeout bound the way to the topic to 1.2 seconds.
	topicAttempts = 2
	topicTimeout  = 600 * time.Millisecond
	// outboxAttempts and outboxTimeout bound the way to the outbox to 1.2 seconds.
	outboxAttempts = 2
	outboxTimeout  = 600 * time.Millisecond
)

// UndeliveredKey marks the log line that holds an event which neither the topic
// nor the outbox took. The value under it is the event itself.
const UndeliveredKey = "gatehouseUndelivered"

// Metrics of the ways that are not the first.
const (
	MetricFellBack = "EventsFellBack"
	MetricLogged   = "EventsLogged"
)

// Outcome says which way an event went.
type Outcome string

// The ways, in the order in which they are tried.
const (
	Published Outcome = "published"
	FellBack  Outcome = "outbox"
	Logged    Outcome = "logged"
)

// Topic is what Publisher needs of SNS.
type Topic interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

// Outbox is what Publisher needs of SQS.
type Outbox interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Publisher sends events. Its fields are set once, before the first use.
type Publisher struct {
	Topic       Topic
	TopicARN    string
	Outbox      Outbox
	OutboxURL   string
	Environment string
	// Log says which events took another way, and keeps those that nobody took.
	Log *slog.Logger
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Now func() time.Time
}

// Publish sends ev and says which way it went. The only error is an event that
// is not one: everything else ends in the log at the latest. The same bytes,
// and so the same id, go every way.
func (p *Publisher) Publish(ctx context.Context, ev event.Event) (Outcome, error) {
	body, err := contracts.Encode(ev)
	if err != nil {
		return "", fmt.Errorf("contracts.Encode: %w", err)
	}
	// The caller's deadline is not ours: an event whose person has given up is
	// still an event. The values, and with them the trace, stay.
	ctx = context.WithoutCancel(ctx)

	topicErr := try(ctx, topicAttempts, topicTimeout, func(ctx context.Context) error {
		return p.toTopic(ctx, ev, string(body))
	})
	if topicErr == nil {
		return Published, nil
	}
	outboxErr := try(ctx, outboxAttempts, outboxTimeout, func(ctx context.Context) error {
		return p.toOutbox(ctx, string(body))
	})
	if outboxErr == nil {
		p.Log.WarnContext(ctx, "event went to the outbox", "type", ev.Type(), "id", ev.ID(), "topicError", reason.Of(topicErr))
		p.count(ctx, MetricFellBack)
		return FellBack, nil
	}
	p.Log.ErrorContext(ctx, "event kept in this line only; `gatehouse events recover` puts it back",
		UndeliveredKey, json.RawMessage(body), "topicError", reason.Of(topicErr), "outboxError", reason.Of(outboxErr))
	p.count(ctx, MetricLogged)
	return Logged, nil
}

func (p *Publisher) toTopic(ctx context.Context, ev event.Event, body string) error {
	out, err := p.Topic.Publish(ctx, Message(p.TopicARN, ev, body))
	if err != nil {
		return fmt.Errorf("sns.Publish: %w", err)
	}
	return acknowledged(out.MessageId)
}

func (p *Publisher) toOutbox(ctx context.Context, body string) error {
	out, err := p.Outbox.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &p.OutboxURL, MessageBody: &body})
	if err != nil {
		return fmt.Errorf("sqs.SendMessage: %w", err)
	}
	return acknowledged(out.MessageId)
}

// acknowledged wants the id of the message: only AWS gives one, and a proxy that
// answers 200 does not.
func acknowledged(id *string) error {
	if aws.ToString(id) == "" {
		return errors.New("the answer has no message id")
	}
	return nil
}

// Message is an event as the topic gets it, from a trigger or from the outbox: the
// body as it was encoded once, and [contracts.Attributes] as message attributes.
func Message(topicARN string, ev event.Event, body string) *sns.PublishInput {
	attributes := map[string]types.MessageAttributeValue{}
	for name, value := range contracts.Attributes(ev) {
		attributes[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: &value}
	}
	return &sns.PublishInput{TopicArn: &topicARN, Message: &body, MessageAttributes: attributes}
}

func (p *Publisher) count(ctx context.Context, metric string) {
	b := emf.New(p.Environment)
	b.Add(metric, emf.Count, 1)
	if err := b.Flush(p.Out, p.Now()); err != nil {
		p.Log.ErrorContext(ctx, "metric not written", "metric", metric, "error", err.Error())
	}
}

// try runs f up to attempts times, each within limit, and returns the last error.
func try(ctx context.Context, attempts int, limit time.Duration, f func(context.Context) error) error {
	var err error
	for range attempts {
		if err = within(ctx, limit, f); err == nil {
			return nil
		}
	}
	return err
}

func within(ctx context.Context, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return f(ctx)
}
