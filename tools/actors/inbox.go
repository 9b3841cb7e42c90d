package actors

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
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

const (
	// longPoll is how long SQS waits for a message, in seconds.
	longPoll = 5
	// openLimit bounds the creation of the queue and its subscription.
	openLimit = 20 * time.Second
	// every is the time between two looks at what arrived.
	every = 100 * time.Millisecond
)

// Queues is what an inbox needs of SQS.
type Queues interface {
	CreateQueue(context.Context, *sqs.CreateQueueInput, ...func(*sqs.Options)) (*sqs.CreateQueueOutput, error)
	DeleteMessageBatch(context.Context, *sqs.DeleteMessageBatchInput, ...func(*sqs.Options)) (*sqs.DeleteMessageBatchOutput, error)
	DeleteQueue(context.Context, *sqs.DeleteQueueInput, ...func(*sqs.Options)) (*sqs.DeleteQueueOutput, error)
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
}

// Topics is what an inbox needs of SNS.
type Topics interface {
	Subscribe(context.Context, *sns.SubscribeInput, ...func(*sns.Options)) (*sns.SubscribeOutput, error)
	Unsubscribe(context.Context, *sns.UnsubscribeInput, ...func(*sns.Options)) (*sns.UnsubscribeOutput, error)
}

// Arrival is an event as it came.
type Arrival struct {
	Event event.Event
	Body  string
	At    time.Time
}

// Inbox is a queue that is subscribed to the topic, as another team's would be. It
// keeps each event once.
type Inbox struct {
	Queues Queues
	Topics Topics
	// Name is the queue's.
	Name string
	// TopicARN is the topic's, in whose account and region the queue is made.
	TopicARN string
	// Filter is a filter policy on message attributes; without one every event comes.
	Filter string

	// URL and Subscription are what Open made and Close deletes.
	URL, Subscription string

	mu       sync.Mutex
	arrivals []Arrival
	known    map[string]bool // ids
	failed   error           // what ended the collection
}

func (in *Inbox) queueARN() (string, error) {
	part := strings.Split(in.TopicARN, ":")
	if len(part) != 6 || part[2] != "sns" {
		return "", fmt.Errorf("%q is not the ARN of a topic", in.TopicARN)
	}
	return strings.Join([]string{part[0], part[1], "sqs", part[3], part[4], in.Name}, ":"), nil
}

// Open creates the queue with all its settings at once, so that no permission to
// change a queue is needed, and subscribes it. An interruption waits until it is
// known what was created, or nothing could delete it.
func (in *Inbox) Open(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), openLimit)
	defer cancel()
	arn, err := in.queueARN()
	if err != nil {
		return err
	}
	policy := fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},`+
		`"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn, in.TopicARN)
	made, err := in.Queues.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: &in.Name, Attributes: map[string]string{
		string(sqstypes.QueueAttributeNamePolicy):                 policy,
		string(sqstypes.QueueAttributeNameSqsManagedSseEnabled):   "true",
		string(sqstypes.QueueAttributeNameMessageRetentionPeriod): strconv.Itoa(int(Crashed.Seconds())),
	}})
	if err != nil {
		return fmt.Errorf("sqs.CreateQueue: %w", err)
	}
	in.URL = aws.ToString(made.QueueUrl)
	attributes := map[string]string{"RawMessageDelivery": "true"}
	if in.Filter != "" {
		attributes["FilterPolicyScope"], attributes["FilterPolicy"] = "MessageAttributes", in.Filter
	}
	sub, err := in.Topics.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: &in.TopicARN, Protocol: aws.String("sqs"), Endpoint: &arn, ReturnSubscriptionArn: true, Attributes: attributes,
	})
	if err != nil {
		return fmt.Errorf("sns.Subscribe: %w", err)
	}
	in.Subscription = aws.ToString(sub.SubscriptionArn)
	return nil
}

// Close deletes the subscription and the queue.
func (in *Inbox) Close(ctx context.Context) error {
	var errs []error
	if in.Subscription != "" {
		_, err := in.Topics.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: &in.Subscription})
		var gone *snstypes.NotFoundException // by a call whose answer was lost
		if err != nil && !errors.As(err, &gone) {
			errs = append(errs, fmt.Errorf("sns.Unsubscribe: %w", err))
		}
	}
	if in.URL != "" {
		_, err := in.Queues.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: &in.URL})
		var gone *sqstypes.QueueDoesNotExist
		if err != nil && !errors.As(err, &gone) {
			errs = append(errs, fmt.Errorf("sqs.DeleteQueue: %w", err))
		}
	}
	return errors.Join(errs...)
}

// Collect keeps what arrives until ctx is done.
func (in *Inbox) Collect(ctx context.Context) {
	for ctx.Err() == nil {
		if err := in.receive(ctx, in.Keep); err != nil && ctx.Err() == nil {
			in.mu.Lock()
			in.failed = err
			in.mu.Unlock()
			return
		}
	}
}

// remembered is how many events Follow recognises a copy of.
const remembered = 1000

// Follow gives each event to one function as it arrives, and keeps none. It returns nil
// when ctx is done.
func (in *Inbox) Follow(ctx context.Context, each func(Arrival)) error {
	var recent []string
	for ctx.Err() == nil {
		err := in.receive(ctx, func(a Arrival) {
			if slices.Contains(recent, a.Event.ID()) {
				return
			}
			recent = append(recent[max(0, len(recent)-remembered+1):], a.Event.ID())
			each(a)
		})
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func (in *Inbox) receive(ctx context.Context, keep func(Arrival)) error {
	out, err := in.Queues.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{QueueUrl: &in.URL, MaxNumberOfMessages: 10, WaitTimeSeconds: longPoll})
	if err != nil {
		return fmt.Errorf("sqs.ReceiveMessage: %w", err)
	}
	if len(out.Messages) == 0 {
		return nil
	}
	var done []sqstypes.DeleteMessageBatchRequestEntry
	for i, m := range out.Messages {
		body := aws.ToString(m.Body)
		ev, err := contracts.Decode([]byte(body))
		if err != nil {
			return fmt.Errorf("the queue received a message that is not an event: contracts.Decode: %w", err)
		}
		keep(Arrival{Event: ev, Body: body, At: time.Now()})
		done = append(done, sqstypes.DeleteMessageBatchRequestEntry{Id: aws.String(strconv.Itoa(i)), ReceiptHandle: m.ReceiptHandle})
	}
	if _, err := in.Queues.DeleteMessageBatch(ctx, &sqs.DeleteMessageBatchInput{QueueUrl: &in.URL, Entries: done}); err != nil {
		return fmt.Errorf("sqs.DeleteMessageBatch: %w", err)
	}
	return nil
}

// Keep keeps an event, but not a copy of one: the promise is at least once.
func (in *Inbox) Keep(a Arrival) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.known[a.Event.ID()] {
		return
	}
	if in.known == nil {
		in.known = map[string]bool{}
	}
	in.known[a.Event.ID()] = true
	in.arrivals = append(in.arrivals, a)
}

// Find returns what matches so far.
func (in *Inbox) Find(match func(event.Event) bool) ([]Arrival, error) {
	found, _, err := in.look(match)
	return found, err
}

// look also counts everything that arrived.
func (in *Inbox) look(match func(event.Event) bool) (found []Arrival, all int, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	for _, a := range in.arrivals {
		if match(a.Event) {
			found = append(found, a)
		}
	}
	return found, len(in.arrivals), in.failed
}

// Wait waits for n events that match. Every event that arrives is progress.
func (in *Inbox) Wait(ctx context.Context, quiet, limit time.Duration, n int, match func(event.Event) bool) ([]Arrival, error) {
	var found []Arrival
	err := Wait{Every: every, Quiet: quiet, Limit: limit}.Until(ctx, func(context.Context) (string, bool, error) {
		var all int
		var err error
		found, all, err = in.look(match)
		return fmt.Sprintf("%d of %d events, %d with the others,", len(found), n, all), err == nil && len(found) >= n, err
	})
	return found, err
}
