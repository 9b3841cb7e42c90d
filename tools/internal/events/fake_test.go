package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const base = "http://127.0.0.1:1/000000000000/"

// broker is an SQS in memory.
type broker struct {
	queues map[string][]types.Message
	policy map[string]string
	held   map[string]bool
	// sendErr fails the n-th send, counted down.
	failSend int
	log      []string
}

func newBroker() *broker {
	return &broker{queues: map[string][]types.Message{}, policy: map[string]string{}, held: map[string]bool{}, failSend: -1}
}

// link makes a queue and its dead-letter queue.
func (b *broker) link(source, dlq string) {
	b.queues[source], b.queues[dlq] = nil, nil
	b.policy[source] = `{"deadLetterTargetArn":"arn:` + dlq + `","maxReceiveCount":5}`
}

func (b *broker) put(queue string, bodies ...string) {
	for _, body := range bodies {
		id := strconv.Itoa(len(b.queues[queue]))
		b.queues[queue] = append(b.queues[queue], types.Message{
			MessageId: aws.String(id), ReceiptHandle: aws.String(queue + "/" + id), Body: aws.String(body),
			Attributes:        map[string]string{"SentTimestamp": "1000"},
			MessageAttributes: map[string]types.MessageAttributeValue{"type": {DataType: aws.String("String"), StringValue: aws.String("t")}},
		})
	}
}

func name(url *string) string { return strings.TrimPrefix(*url, base) }

func (b *broker) ListQueues(_ context.Context, in *sqs.ListQueuesInput, _ ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error) {
	out := &sqs.ListQueuesOutput{}
	for q := range b.queues {
		if strings.HasPrefix(q, *in.QueueNamePrefix) {
			out.QueueUrls = append(out.QueueUrls, base+q)
		}
	}
	return out, nil
}

func (b *broker) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	q := name(in.QueueUrl)
	attrs := map[string]string{"QueueArn": "arn:" + q, "ApproximateNumberOfMessages": strconv.Itoa(len(b.queues[q]))}
	if p := b.policy[q]; p != "" {
		attrs["RedrivePolicy"] = p
	}
	return &sqs.GetQueueAttributesOutput{Attributes: attrs}, nil
}

func (b *broker) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	out := &sqs.ReceiveMessageOutput{}
	for _, m := range b.queues[name(in.QueueUrl)] {
		if !b.held[*m.ReceiptHandle] && len(out.Messages) < int(in.MaxNumberOfMessages) {
			b.held[*m.ReceiptHandle] = true
			out.Messages = append(out.Messages, m)
		}
	}
	return out, nil
}

func (b *broker) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if b.failSend--; b.failSend == -1 {
		return nil, errors.New("no")
	}
	b.log = append(b.log, "send "+*in.MessageBody)
	q := name(in.QueueUrl)
	b.put(q, *in.MessageBody)
	b.queues[q][len(b.queues[q])-1].MessageAttributes = in.MessageAttributes
	return &sqs.SendMessageOutput{MessageId: aws.String("sent")}, nil
}

func (b *broker) DeleteMessage(_ context.Context, in *sqs.DeleteMessageInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	q := name(in.QueueUrl)
	for i, m := range b.queues[q] {
		if *m.ReceiptHandle == *in.ReceiptHandle {
			b.log = append(b.log, "delete "+*m.Body)
			b.queues[q] = append(b.queues[q][:i:i], b.queues[q][i+1:]...)
			return &sqs.DeleteMessageOutput{}, nil
		}
	}
	return nil, errors.New("no such message")
}

func (b *broker) ChangeMessageVisibility(_ context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	delete(b.held, *in.ReceiptHandle)
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

// document is an event in structured JSON.
func document(id string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"s","type":"gatehouse.user.created.v1","time":"2026-11-22T10:00:00Z"}`, id)
}

// found is find, and then the one dead-letter queue of that name.
func found(t *testing.T, b *broker, name string) deadLetterQueue {
	t.Helper()
	all, err := find(t.Context(), b, "gatehouse-test-")
	if err != nil {
		t.Fatal(err)
	}
	q, err := pick(all, name)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func contains(t *testing.T, out *bytes.Buffer, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(out.String(), w) {
			t.Errorf("output lacks %q:\n%s", w, out)
		}
	}
}
