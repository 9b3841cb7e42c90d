package publish_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
)

const (
	pool      = "arn:aws:cognito-idp:eu-central-1:123456789012:userpool/eu-central-1_Gatehouse"
	sub       = "5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11"
	topicARN  = "arn:aws:sns:eu-central-1:123456789012:topic"
	outboxURL = "https://sqs.eu-central-1.amazonaws.com/123456789012/outbox"
)

// fakeAWS is a topic and an outbox in memory. The functions decide how each
// attempt ends; nil means that all succeed.
type fakeAWS struct {
	topic, outbox func(ctx context.Context, attempt int) error

	mu       sync.Mutex
	messages []*sns.PublishInput
	queued   []*sqs.SendMessageInput
}

func (f *fakeAWS) Publish(ctx context.Context, in *sns.PublishInput, _ ...func(*sns.Options)) (*sns.PublishOutput, error) {
	f.mu.Lock()
	f.messages = append(f.messages, in)
	attempt := len(f.messages)
	f.mu.Unlock()
	return &sns.PublishOutput{MessageId: aws.String("1")}, end(ctx, f.topic, attempt)
}

func (f *fakeAWS) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	f.mu.Lock()
	f.queued = append(f.queued, in)
	attempt := len(f.queued)
	f.mu.Unlock()
	return &sqs.SendMessageOutput{MessageId: aws.String("1")}, end(ctx, f.outbox, attempt)
}

func end(ctx context.Context, f func(context.Context, int) error, attempt int) error {
	if f == nil {
		return nil
	}
	return f(ctx, attempt)
}

// bench is a Publisher over a fake, with what it wrote.
type bench struct {
	aws *fakeAWS
	pub *publish.Publisher
	log *bytes.Buffer
	out *bytes.Buffer
}

func newBench(aws *fakeAWS) bench {
	b := bench{aws: aws, log: &bytes.Buffer{}, out: &bytes.Buffer{}}
	b.pub = &publish.Publisher{
		Topic: aws, TopicARN: topicARN, Outbox: aws, OutboxURL: outboxURL, Environment: "test",
		Log: slog.New(slog.NewJSONHandler(b.log, nil)), Out: b.out, Now: moment,
	}
	return b
}

// bodies are the bytes of every attempt, and those in the log line last.
func (b bench) bodies(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, m := range b.aws.messages {
		all = append(all, *m.Message)
	}
	for _, m := range b.aws.queued {
		all = append(all, *m.MessageBody)
	}
	for line := range bytes.Lines(b.log.Bytes()) {
		var fields map[string]json.RawMessage
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Fatalf("log line %s: %v", line, err)
		}
		if body, ok := fields[publish.UndeliveredKey]; ok {
			all = append(all, string(body))
		}
	}
	return all
}

func moment() time.Time { return time.Date(2026, 11, 22, 9, 30, 0, 0, time.UTC) }

func someEvent(t testing.TB) event.Event {
	t.Helper()
	ev, err := contracts.NewSignupRejected(
		contracts.Act{PoolARN: pool, ClientID: "client", Time: moment()},
		contracts.SignupRejected{Via: contracts.ViaSignup, Domain: "mailinator.com", Reason: "domain-disposable", Rule: "a&b<c>", ListVersion: "2026-08-21"},
	)
	if err != nil {
		t.Fatalf("NewSignupRejected: %v", err)
	}
	return ev
}

// publishOne publishes one event and says where it went.
func publishOne(ctx context.Context, p *publish.Publisher, ev event.Event) (publish.Outcome, error) {
	outcomes, err := p.Publish(ctx, ev)
	return outcomes[0], err
}
