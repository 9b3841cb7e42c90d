package demo

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// cleanupLimit bounds the removal of the queue after Ctrl-C.
const cleanupLimit = 10 * time.Second

// queue is what an inbox needs of SQS while the story runs.
type queue interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
}

// inbox is a temporary queue that is subscribed to the topic, as another
// team's would be. It keeps each event once and hands it out once.
type inbox struct {
	queue        queue
	url          string
	subscription string
	waiting      []event.Event
	seen         map[string]bool // ids
}

// openInbox makes the queue and subscribes it, or leaves nothing behind.
func openInbox(ctx context.Context, q *sqs.Client, topic *sns.Client, topicARN string) (*inbox, error) {
	name := "gatehouse-demo-" + strings.ToLower(rand.Text())
	made, err := q.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		return nil, fmt.Errorf("sqs.CreateQueue: %w", err)
	}
	in := &inbox{queue: q, url: aws.ToString(made.QueueUrl), seen: map[string]bool{}}
	if err := in.subscribe(ctx, q, topic, topicARN); err != nil {
		return nil, errors.Join(err, in.close(ctx, q, topic))
	}
	return in, nil
}

func (in *inbox) subscribe(ctx context.Context, q *sqs.Client, topic *sns.Client, topicARN string) error {
	attrs, err := q.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &in.url, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		return fmt.Errorf("sqs.GetQueueAttributes: %w", err)
	}
	arn := attrs.Attributes[string(sqstypes.QueueAttributeNameQueueArn)]
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},`+
		`"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn, topicARN)
	if _, err := q.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{
		QueueUrl: &in.url, Attributes: map[string]string{string(sqstypes.QueueAttributeNamePolicy): policy},
	}); err != nil {
		return fmt.Errorf("sqs.SetQueueAttributes: %w", err)
	}
	sub, err := topic.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &topicARN, Protocol: aws.String("sqs"), Endpoint: &arn,
		Attributes: map[string]string{"RawMessageDelivery": "true"}, ReturnSubscriptionArn: true,
	})
	if err != nil {
		return fmt.Errorf("sns.Subscribe: %w", err)
	}
	in.subscription = aws.ToString(sub.SubscriptionArn)
	return nil
}

// close takes the subscription and the queue away, even after an interruption.
func (in *inbox) close(ctx context.Context, q *sqs.Client, topic *sns.Client) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
	defer cancel()
	var errs []error
	if in.subscription != "" {
		if _, err := topic.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &in.subscription}); err != nil {
			errs = append(errs, fmt.Errorf("sns.Unsubscribe: %w", err))
		}
	}
	if _, err := q.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &in.url}); err != nil {
		errs = append(errs, fmt.Errorf("sqs.DeleteQueue: %w", err))
	}
	return errors.Join(errs...)
}

// take waits for an event that matches and that nobody took before.
func (in *inbox) take(ctx context.Context, limit time.Duration, what string, match func(event.Event) bool) (event.Event, error) {
	var taken event.Event
	err := poll(ctx, limit, what, func(ctx context.Context) (bool, error) {
		at := slices.IndexFunc(in.waiting, match)
		if at < 0 {
			if err := in.receive(ctx); err != nil {
				return false, err
			}
			at = slices.IndexFunc(in.waiting, match)
		}
		if at < 0 {
			return false, nil
		}
		taken = in.waiting[at]
		in.waiting = slices.Delete(in.waiting, at, at+1)
		return true, nil
	})
	return taken, err
}

// receive asks the queue once. Copies of an event are dropped: the promise is
// at least once.
func (in *inbox) receive(ctx context.Context) error {
	out, err := in.queue.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &in.url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
	})
	if err != nil {
		return fmt.Errorf("sqs.ReceiveMessage: %w", err)
	}
	if len(out.Messages) == 0 {
		return nil
	}
	done := make([]sqstypes.DeleteMessageBatchRequestEntry, 0, len(out.Messages))
	for i, m := range out.Messages {
		ev, err := contracts.Decode([]byte(aws.ToString(m.Body)))
		if err != nil {
			return fmt.Errorf("contracts.Decode: %w", err)
		}
		if !in.seen[ev.ID()] {
			in.seen[ev.ID()] = true
			in.waiting = append(in.waiting, ev)
		}
		done = append(done, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(fmt.Sprint(i)), ReceiptHandle: m.ReceiptHandle})
	}
	if _, err := in.queue.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &in.url, Entries: done}); err != nil {
		return fmt.Errorf("sqs.DeleteMessageBatch: %w", err)
	}
	return nil
}
