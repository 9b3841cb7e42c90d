// Package publish sends an event to the topic, and does not lose it: if the topic
// does not accept it, it goes to the outbox queue, and else into a log line that
// `gatehouse events recover` reads back.
//
// It is made for Cognito triggers, which have five seconds
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html):
// topic and outbox have time limits of their own, together less than three seconds.
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
	// topicAttempts and topicTimeout limit the topic to 1.2 seconds.
	topicAttempts = 2
	topicTimeout  = 600 * time.Millisecond
	// outboxAttempts and outboxTimeout limit the outbox to 1.2 seconds.
	outboxAttempts = 2
	outboxTimeout  = 600 * time.Millisecond
)

// UndeliveredKey marks the log line with an event that neither the topic nor the
// outbox accepted. Its value is the event itself.
const UndeliveredKey = "gatehouseUndelivered"

// Metrics of the events that the topic did not accept.
const (
	MetricFellBack = "EventsFellBack"
	MetricLogged   = "EventsLogged"
)

// Outcome says where an event went.
type Outcome string

// The outcomes, in the order in which they are tried.
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
	// Log reports the events that the topic did not accept, and keeps those that
	// the outbox did not accept either.
	Log *slog.Logger
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Now func() time.Time
}

// Publish sends ev and says where it went. It fails only if ev is not a valid event:
// everything else ends in the log at the latest. The same bytes, and so the same id,
// are sent everywhere.
func (p *Publisher) Publish(ctx context.Context, ev event.Event) (Outcome, error) {
	body, err := contracts.Encode(ev)
	if err != nil {
		return "", fmt.Errorf("contracts.Encode: %w", err)
	}
	// The caller's deadline does not count: if the person has given up, the event
	// still happened. The values of ctx, and with them the trace, stay.
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
