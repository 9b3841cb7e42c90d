package canary

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

const (
	// longPoll is how long SQS waits for a message, in seconds.
	longPoll = 5
	// openLimit bounds the making of the queue and its subscription.
	openLimit = 20 * time.Second
)

// queueService is what an inbox needs of SQS.
type queueService interface {
	CreateQueue(context.Context, *sqs.CreateQueueInput, ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	DeleteQueue(context.Context, *sqs.DeleteQueueInput, ...func(*sqs.Options)) (*sqs.DeleteQueueOutput, error)
	ListQueues(context.Context, *sqs.ListQueuesInput, ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
}

// topicService is what an inbox needs of SNS.
type topicService interface {
	ListSubscriptionsByTopic(context.Context, *sns.ListSubscriptionsByTopicInput, ...func(*sns.Options)) (*sns.ListSubscriptionsByTopicOutput, error)
	Subscribe(context.Context, *sns.SubscribeInput, ...func(*sns.Options)) (*sns.SubscribeOutput, error)
	Unsubscribe(context.Context, *sns.UnsubscribeInput, ...func(*sns.Options)) (*sns.UnsubscribeOutput, error)
}

// inbox is a queue that is subscribed to the topic, as another team's would be,
// for synthetic events alone. It keeps each event once.
type inbox struct {
	queues queueService
	topic  topicService
	names  names
	name   string

	url, subscription string

	mu     sync.Mutex
	events []event.Event
	broken error // what ended the collection
}

// queueARN is in the account and region of the topic.
func (in *inbox) queueARN() (string, error) {
	part := strings.Split(in.names.topic, ":")
	if len(part) != 6 || part[2] != "sns" {
		return "", errors.New("the topic's ARN is malformed")
	}
	return strings.Join([]string{part[0], part[1], "sqs", part[3], part[4], in.name}, ":"), nil
}

// open makes the queue with all its settings at once, so that no right to change
// a queue is needed, and subscribes it. An interruption waits until what was made
// is known, or nobody could take it away.
func (in *inbox) open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openLimit)
	defer cancel()
	arn, err := in.queueARN()
	if err != nil {
		return err
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},`+
		`"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn, in.names.topic)
	made, err := in.queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &in.name, Attributes: map[string]string{
		string(sqstypes.QueueAttributeNamePolicy):                 policy,
		string(sqstypes.QueueAttributeNameSqsManagedSseEnabled):   "true",
		string(sqstypes.QueueAttributeNameMessageRetentionPeriod): strconv.Itoa(int(crashed.Seconds())),
	}})
	if err != nil {
		return fmt.Errorf("sqs.CreateQueue: %w", err)
	}
	in.url = aws.ToString(made.QueueUrl)
	sub, err := in.topic.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &in.names.topic, Protocol: aws.String("sqs"), Endpoint: &arn, ReturnSubscriptionArn: true,
		Attributes: map[string]string{
			"RawMessageDelivery": "true",
			"FilterPolicyScope":  "MessageAttributes",
			"FilterPolicy":       `{"` + contracts.SyntheticExtension + `":["true"]}`,
		},
	})
	if err != nil {
		return fmt.Errorf("sns.Subscribe: %w", err)
	}
	in.subscription = aws.ToString(sub.SubscriptionArn)
	return nil
}

// close takes the subscription and the queue away.
func (in *inbox) close(ctx context.Context) error {
	var errs []error
	if in.subscription != "" {
		errs = append(errs, in.unsubscribe(ctx, in.subscription))
	}
	if in.url != "" {
		errs = append(errs, in.deleteQueue(ctx, in.url))
	}
	return errors.Join(errs...)
}

func (in *inbox) unsubscribe(ctx context.Context, arn string) error {
	if _, err := in.topic.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &arn}); err != nil {
		return fmt.Errorf("sns.Unsubscribe: %w", err)
	}
	return nil
}

func (in *inbox) deleteQueue(ctx context.Context, url string) error {
	_, err := in.queues.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &url})
	var gone *sqstypes.QueueDoesNotExist
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("sqs.DeleteQueue: %w", err)
	}
	return nil
}

// collect keeps what arrives until ctx is done.
func (in *inbox) collect(ctx context.Context) {
	for ctx.Err() == nil {
		if err := in.receive(ctx); err != nil && ctx.Err() == nil {
			in.mu.Lock()
			in.broken = err
			in.mu.Unlock()
			return
		}
	}
}

func (in *inbox) receive(ctx context.Context) error {
	out, err := in.queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &in.url, MaxNumberOfMessages: 10, WaitTimeSeconds: longPoll})
	if err != nil {
		return fmt.Errorf("sqs.ReceiveMessage: %w", err)
	}
	if len(out.Messages) == 0 {
		return nil
	}
	var done []sqstypes.DeleteMessageBatchRequestEntry
	for i, m := range out.Messages {
		ev, err := contracts.Decode([]byte(aws.ToString(m.Body)))
		if err != nil {
			return fmt.Errorf("what arrived is no event: contracts.Decode: %w", err)
		}
		in.keep(ev)
		done = append(done, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	if _, err := in.queues.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &in.url, Entries: done}); err != nil {
		return fmt.Errorf("sqs.DeleteMessageBatch: %w", err)
	}
	return nil
}

// keep drops copies, for the promise is at least once, and what has no mark: a
// filter is not in force at once.
func (in *inbox) keep(ev event.Event) {
	in.mu.Lock()
	defer in.mu.Unlock()
	known := slices.ContainsFunc(in.events, func(e event.Event) bool { return e.ID() == ev.ID() })
	if !known && contracts.IsSynthetic(ev) {
		in.events = append(in.events, ev)
	}
}

// find returns what matches so far.
func (in *inbox) find(match func(event.Event) bool) ([]event.Event, error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var found []event.Event
	for _, ev := range in.events {
		if match(ev) {
			found = append(found, ev)
		}
	}
	return found, in.broken
}

// sweep takes away the queues and subscriptions of canaries that crashed, and
// says how many.
func (in *inbox) sweep(ctx context.Context, now time.Time) (int, error) {
	n, prefix := 0, queuePrefix(in.names.environment)
	subscriptions := sns.NewListSubscriptionsByTopicPaginator(in.topic, &sns.ListSubscriptionsByTopicInput{TopicArn: &in.names.topic})
	for subscriptions.HasMorePages() {
		page, err := subscriptions.NextPage(ctx)
		if err != nil {
			return n, fmt.Errorf("sns.ListSubscriptionsByTopic: %w", err)
		}
		for _, s := range page.Subscriptions {
			_, id, isCanary := strings.Cut(aws.ToString(s.Endpoint), ":"+prefix)
			if !isCanary || !abandoned(id, now) {
				continue
			}
			if err := in.unsubscribe(ctx, aws.ToString(s.SubscriptionArn)); err != nil {
				return n, err
			}
			n++
		}
	}
	queues := sqs.NewListQueuesPaginator(in.queues, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: aws.Int32(1000)})
	for queues.HasMorePages() {
		page, err := queues.NextPage(ctx)
		if err != nil {
			return n, fmt.Errorf("sqs.ListQueues: %w", err)
		}
		for _, url := range page.QueueUrls {
			_, id, isCanary := strings.Cut(url, "/"+prefix)
			if !isCanary || !abandoned(id, now) {
				continue
			}
			if err := in.deleteQueue(ctx, url); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}
