package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	ebtypes "github.com/aws/aws-sdk-go-v2/service/eventbridge/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"gatehouse.example/contracts"
)

// listener is a queue of the bus, as another team's would be.
type listener struct {
	s              *system
	name, url, arn string

	mu       sync.Mutex
	arrivals []arrival
	failed   error
}

// open subscribes to every event.
func (l *listener) open(ctx context.Context) error {
	bus := aws.String(l.s.env["BUS_NAME"])
	rule, err := l.s.events.PutRule(ctx, &eventbridge.PutRuleInput{Name: &l.name, EventBusName: bus, EventPattern: aws.String(`{"source":["gatehouse.user-events"]}`)})
	if err != nil {
		return fmt.Errorf("eventbridge.PutRule: %w", err)
	}
	made, err := l.s.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &l.name})
	if err != nil {
		return fmt.Errorf("sqs.CreateQueue: %w", err)
	}
	l.url = aws.ToString(made.QueueUrl)
	out, err := l.s.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &l.url, AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"}})
	if err != nil {
		return fmt.Errorf("sqs.GetQueueAttributes: %w", err)
	}
	l.arn = out.Attributes["QueueArn"]
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"events.amazonaws.com"},
		"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, l.arn, aws.ToString(rule.RuleArn))
	if _, err := l.s.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: &l.url, Attributes: map[string]string{"Policy": policy}}); err != nil {
		return fmt.Errorf("sqs.SetQueueAttributes: %w", err)
	}
	if _, err := l.s.events.PutTargets(ctx, &eventbridge.PutTargetsInput{Rule: &l.name, EventBusName: bus, Targets: []ebtypes.Target{{Id: aws.String("queue"), Arn: &l.arn}}}); err != nil {
		return fmt.Errorf("eventbridge.PutTargets: %w", err)
	}
	return nil
}

// close deletes what open made, for a system that goes on.
func (l *listener) close(ctx context.Context) error {
	bus := aws.String(l.s.env["BUS_NAME"])
	_, err1 := l.s.events.RemoveTargets(ctx, &eventbridge.RemoveTargetsInput{Rule: &l.name, EventBusName: bus, Ids: []string{"queue"}})
	_, err2 := l.s.events.DeleteRule(ctx, &eventbridge.DeleteRuleInput{Name: &l.name, EventBusName: bus})
	_, err3 := l.s.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &l.url})
	return errors.Join(err1, err2, err3)
}

// collect keeps what arrives until ctx is done. A call that fails is made again: a machine
// that is too busy to answer loses no message.
func (l *listener) collect(ctx context.Context) {
	for ctx.Err() == nil {
		err := l.receive(ctx)
		l.mu.Lock()
		l.failed = err
		l.mu.Unlock()
		if err != nil {
			pause(ctx, time.Second)
		}
	}
}

func (l *listener) receive(ctx context.Context) error {
	out, err := l.s.sqs.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &l.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 5})
	if err != nil {
		return fmt.Errorf("sqs.ReceiveMessage: %w", err)
	}
	var done []sqstypes.DeleteMessageBatchRequestEntry
	for i, m := range out.Messages {
		a, err := read(aws.ToString(m.Body))
		if err != nil {
			return err
		}
		l.mu.Lock()
		l.arrivals = append(l.arrivals, a)
		l.mu.Unlock()
		done = append(done, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	if len(done) == 0 {
		return nil
	}
	if _, err := l.s.sqs.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &l.url, Entries: done}); err != nil {
		return fmt.Errorf("sqs.DeleteMessageBatch: %w", err)
	}
	return nil
}

// arrival is an event as it came.
type arrival struct {
	entry
	user string // its subject
	at   time.Time
}

// read reads what EventBridge sends to a queue.
func read(body string) (arrival, error) {
	var envelope struct{ Detail json.RawMessage }
	if err := json.Unmarshal([]byte(body), &envelope); err != nil {
		return arrival{}, fmt.Errorf("json.Unmarshal: %w", err)
	}
	ev, err := contracts.Decode(envelope.Detail)
	if err != nil {
		return arrival{}, fmt.Errorf("contracts.Decode: %w", err)
	}
	return arrival{newEntry(ev.Type(), ev.ID(), ev.Subject(), ev.Data()), ev.Subject(), ev.Time()}, nil
}

// newEntry is about a user, or about a domain where nobody is a user yet. The emulator has
// an id for the user already, AWS has none.
func newEntry(typ, id, user string, data []byte) entry {
	var of struct{ Domain string }
	if json.Unmarshal(data, &of) == nil && of.Domain != "" {
		user = of.Domain
	}
	return entry{subject{typ, user}, id}
}

// since are the events that happened since then.
func (l *listener) since(began time.Time) (out []arrival, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.arrivals {
		if !a.at.Before(began) {
			out = append(out, a)
		}
	}
	return out, l.failed
}
