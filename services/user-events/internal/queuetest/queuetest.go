// Package queuetest makes invocations by SQS for the tests of consumers.
package queuetest

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
)

// Pool is the ARN of the pool that the tests' events come from.
const Pool = "arn:aws:cognito-idp:eu-central-1:111122223333:userpool/eu-central-1_Example01"

// Act is an act at a time that the tests share.
func Act() contracts.Act {
	return contracts.Act{
		PoolARN: Pool, Subject: "7f3c2d84-2a51-4a3f-8f0e-3c7f5f3f6b1a", ClientID: "1example23456789example0001",
		Time: Time(), TraceParent: "00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01",
	}
}

// Time of every act of [Act].
func Time() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }

// Must returns the event of a constructor of contracts.
func Must(t *testing.T) func(event.Event, error) event.Event {
	return func(ev event.Event, err error) event.Event {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return ev
	}
}

// Body is an event as it is in a message.
func Body(t *testing.T, ev event.Event) string {
	t.Helper()
	body, err := contracts.Encode(ev)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// Batch puts bodies into messages m0, m1 and so on.
func Batch(bodies ...string) events.SQSEvent {
	var in events.SQSEvent
	for i, body := range bodies {
		in.Records = append(in.Records, events.SQSMessage{MessageId: "m" + strconv.Itoa(i), Body: body})
	}
	return in
}

// Failed lists the message ids of an answer.
func Failed(out events.SQSEventResponse) []string {
	ids := []string{}
	for _, f := range out.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

// Sums adds up the metric lines of out: "Name" for a metric whose only dimension
// is Environment, "Name/Value" for one with another dimension.
func Sums(t *testing.T, out string) map[string]float64 {
	t.Helper()
	sums := map[string]float64{}
	for line := range strings.Lines(out) {
		var fields map[string]any
		if err := json.Unmarshal([]byte(line), &fields); err != nil {
			t.Fatalf("metric line is not JSON: %v", err)
		}
		suffix := ""
		for _, name := range []string{"Reason", "ClientId", "Consumer", "Rule"} {
			if v, ok := fields[name].(string); ok {
				suffix = "/" + v
			}
		}
		for name, v := range fields {
			if n, ok := v.(float64); ok {
				sums[name+suffix] += n
			}
		}
	}
	return sums
}

// Letters is a dead-letter queue in memory.
type Letters struct{ sent []*sqs.SendMessageInput }

// SendMessage keeps the message.
func (l *Letters) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	l.sent = append(l.sent, in)
	return &sqs.SendMessageOutput{MessageId: aws.String("dead")}, nil
}

// DeadLetters is the queue as a consumer has it.
func (l *Letters) DeadLetters() *consume.DeadLetters { return &consume.DeadLetters{Queue: l} }

// Reasons lists why each message was moved, in order.
func (l *Letters) Reasons() []string {
	var out []string
	for _, in := range l.sent {
		out = append(out, *in.MessageAttributes[consume.ReasonAttribute].StringValue)
	}
	return out
}
