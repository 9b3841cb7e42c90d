package e2e

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"gatehouse.example/contracts"
)

// inbox is a queue subscribed to the topic, as another team would have one.
type inbox struct {
	mu       sync.Mutex
	arrived  chan struct{} // closed and replaced at every arrival
	messages []delivery
}

type delivery struct {
	body  string
	event event.Event
	at    time.Time
}

// subscribe makes a queue, subscribes it and collects until the test ends.
func (s *system) subscribe(t *testing.T) *inbox {
	t.Helper()
	c := s.clients(t)
	ctx := t.Context()
	queue := must(c.sqs.CreateQueue(ctx, &sqs.CreateQueueInput{QueueName: aws.String("e2e-" + uuid.NewString())}))(t)
	attrs := must(c.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: queue.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{"QueueArn"},
	}))(t)
	arn := attrs.Attributes["QueueArn"]
	must(c.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: queue.QueueUrl, Attributes: map[string]string{
		"Policy": fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},
			"Action":"sqs:SendMessage","Resource":%q,"Condition":{"ArnEquals":{"aws:SourceArn":%q}}}]}`, arn, s.env["TOPIC_ARN"]),
	}}))(t)
	sub := must(c.sns.Subscribe(ctx, &sns.SubscribeInput{
		TopicArn: aws.String(s.env["TOPIC_ARN"]), Protocol: aws.String("sqs"), Endpoint: aws.String(arn),
		Attributes: map[string]string{"RawMessageDelivery": "true"}, ReturnSubscriptionArn: true,
	}))(t)
	in := &inbox{arrived: make(chan struct{})}
	collecting, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); in.collect(collecting, c.sqs, *queue.QueueUrl) }()
	t.Cleanup(func() {
		stop()
		<-done
		ctx := context.Background()
		_, _ = c.sns.Unsubscribe(ctx, &sns.UnsubscribeInput{SubscriptionArn: sub.SubscriptionArn})
		_, _ = c.sqs.DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: queue.QueueUrl})
	})
	return in
}

func (in *inbox) collect(ctx context.Context, client *sqs.Client, url string) {
	for ctx.Err() == nil {
		out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
			QueueUrl: &url, MaxNumberOfMessages: 10, WaitTimeSeconds: 1,
		})
		if err != nil {
			continue
		}
		for _, m := range out.Messages {
			in.keep(*m.Body)
			_, _ = client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &url, ReceiptHandle: m.ReceiptHandle})
		}
	}
}

func (in *inbox) keep(body string) {
	in.mu.Lock()
	defer in.mu.Unlock()
	ev, _ := contracts.Decode([]byte(body))
	in.messages = append(in.messages, delivery{body: body, event: ev, at: time.Now()})
	close(in.arrived)
	in.arrived = make(chan struct{})
}

// wait returns the first n deliveries that match, or fails after the limit.
func (in *inbox) wait(t *testing.T, limit time.Duration, n int, match func(event.Event) bool) []delivery {
	t.Helper()
	deadline := time.After(limit)
	for {
		found, arrived := in.find(match)
		if len(found) >= n {
			return found
		}
		select {
		case <-arrived:
		case <-deadline:
			t.Fatalf("%d of %d events within %s", len(found), n, limit)
		}
	}
}

// find returns what matches so far and a channel that closes with the next arrival.
func (in *inbox) find(match func(event.Event) bool) ([]delivery, <-chan struct{}) {
	in.mu.Lock()
	defer in.mu.Unlock()
	var found []delivery
	for _, d := range in.messages {
		if match(d.event) {
			found = append(found, d)
		}
	}
	return found, in.arrived
}

// of matches events of a type about a person.
func of(typ, sub string) func(event.Event) bool {
	return func(ev event.Event) bool { return ev.Type() == typ && ev.Subject() == sub }
}
