// Package publish sends an event to the topic, and does not lose it: if the topic
// does not accept it, it goes to the outbox queue, and else into a log line that
// `gatehouse events recover` reads back.
//
// It is made for Cognito triggers, which have five seconds
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html).
// [Budget] limits an invocation, however many events it publishes.
package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/reason"
)

const (
	// Budget is the longest time that Publish takes, for any number of events: topic and
	// outbox get half of it each. An invocation that ends earlier gets less.
	Budget = 2400 * time.Millisecond
	// Reserve is what Publish leaves of an invocation's time for its log lines and for
	// the caller's answer.
	Reserve = 300 * time.Millisecond
)

// UndeliveredKey marks the log line with an event that neither the topic nor the
// outbox accepted. Its value is the event itself.
const UndeliveredKey = "gatehouseUndelivered"

// Metrics of the events that the topic did not accept.
const (
	MetricFellBack = "EventsFellBack"
	MetricLogged   = "EventsLogged"
	// MetricUndelivered is one with each event that is in a log line only, and zero when
	// `gatehouse events recover` has sent them all. Nobody else may write it: its alarm keeps
	// its state until the next value (docs/adr/0038).
	MetricUndelivered = "EventsUndelivered"
)

// Outcome says where an event went.
type Outcome string

// Acknowledged reports whether SNS or SQS has the event.
func (o Outcome) Acknowledged() bool { return o == Published || o == FellBack }

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

	topicBreaker, outboxBreaker breaker
}

// Publish sends events, all at the same time, and says where each went. It fails only
// for what is not a valid event: everything else ends in the log at the latest, before
// the invocation ends. The same bytes, and so the same id, are sent everywhere. An event
// without a trace gets the invocation's.
func (p *Publisher) Publish(ctx context.Context, evs ...event.Event) ([]Outcome, error) {
	outcomes, errs := make([]Outcome, len(evs)), make([]error, len(evs))
	share := shareOf(ctx)
	// The caller's deadline counts for the share only: if the person has given up, the
	// event still happened. The values of ctx, and with them the trace, stay.
	ctx = context.WithoutCancel(ctx)
	one := func(i int) { outcomes[i], errs[i] = p.publish(ctx, evs[i], share) }
	var all sync.WaitGroup
	// The SDK's calls are deep: a new goroutine spends a fifth of its time on its stack.
	for i := 1; i < len(evs); i++ {
		all.Go(func() { one(i) })
	}
	if len(evs) > 0 {
		one(0)
	}
	all.Wait()
	p.count(ctx, outcomes)
	return outcomes, errors.Join(errs...)
}

// shareOf is the time that topic and outbox get each.
func shareOf(ctx context.Context) time.Duration {
	budget := Budget
	if deadline, ok := ctx.Deadline(); ok {
		budget = min(budget, time.Until(deadline)-Reserve)
	}
	return budget / 2
}

func (p *Publisher) publish(ctx context.Context, ev event.Event, share time.Duration) (Outcome, error) {
	ev = traced(ctx, ev)
	body, err := contracts.Encode(ev)
	if err != nil {
		return "", fmt.Errorf("contracts.Encode: %w", err)
	}
	topicErr := p.topicBreaker.call(ctx, share, topicPause, p.Now, func(ctx context.Context) error {
		return p.toTopic(ctx, ev, string(body))
	})
	if topicErr == nil {
		return Published, nil
	}
	outboxErr := p.outboxBreaker.call(ctx, share, outboxPause, p.Now, func(ctx context.Context) error {
		return p.toOutbox(ctx, string(body))
	})
	if outboxErr == nil {
		p.Log.WarnContext(ctx, "event went to the outbox", "type", ev.Type(), "id", ev.ID(), "topicError", reason.Of(topicErr))
		return FellBack, nil
	}
	p.Log.ErrorContext(ctx, "event kept in this line only; `gatehouse events recover` puts it back",
		UndeliveredKey, json.RawMessage(body), "topicError", reason.Of(topicErr), "outboxError", reason.Of(outboxErr))
	return Logged, nil
}

// traced is the event with the trace of the invocation, unless it has one.
func traced(ctx context.Context, ev event.Event) event.Event {
	if ev.Context == nil {
		return ev
	}
	if _, err := ev.Context.GetExtension(contracts.TraceParentExtension); err == nil {
		return ev
	}
	parent := function.TraceParent(ctx)
	if parent == "" {
		return ev
	}
	ev = ev.Clone() // the caller's shares its context with ev
	ev.SetExtension(contracts.TraceParentExtension, parent)
	return ev
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

// count writes the metrics of the events that the topic did not accept.
func (p *Publisher) count(ctx context.Context, outcomes []Outcome) {
	b := emf.New(p.Environment)
	for _, o := range outcomes {
		switch o {
		case FellBack:
			b.Add(MetricFellBack, emf.Count, 1)
		case Logged:
			b.Add(MetricLogged, emf.Count, 1)
			b.Add(MetricUndelivered, emf.Count, 1)
		}
	}
	if err := b.Flush(p.Out, p.Now()); err != nil {
		p.Log.ErrorContext(ctx, "metric not written", "error", err.Error())
	}
}
