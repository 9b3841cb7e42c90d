package events

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const base = "http://127.0.0.1:1/000000000000/"

// broker is an SQS in memory.
type broker struct {
	queues map[string][]types.Message
	policy map[string]string
	// held says until when a message is hidden, by its receipt handle.
	held map[string]time.Time
	// empty is how many of the next answers have no message.
	empty int
	// slow is how long each answer with messages takes.
	slow time.Duration
	// again delivers the next deleted message once more.
	again  bool
	copies map[string][]types.Message
	// sendErr fails the n-th send, counted down.
	failSend int
	// gone is a queue that is deleted after it was listed.
	gone string
	// deny is the code with which every send fails.
	deny string
	log  []string
	ids  int
}

func newBroker() *broker {
	return &broker{queues: map[string][]types.Message{}, policy: map[string]string{}, held: map[string]time.Time{}, copies: map[string][]types.Message{}, failSend: -1}
}

// hide is another reader that holds the first n messages.
func (b *broker) hide(queue string, n int, d time.Duration) {
	for _, m := range b.queues[queue][:n] {
		b.held[*m.ReceiptHandle] = time.Now().Add(d)
	}
}

// link makes a queue and its dead-letter queue.
func (b *broker) link(source, dlq string) {
	b.queues[source], b.queues[dlq] = nil, nil
	b.policy[source] = `{"deadLetterTargetArn":"arn:` + dlq + `","maxReceiveCount":5}`
}

func (b *broker) put(queue string, bodies ...string) {
	for _, body := range bodies {
		b.ids++
		id := strconv.Itoa(b.ids)
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
	if q == b.gone {
		return nil, fmt.Errorf("operation error: %w", &types.QueueDoesNotExist{})
	}
	b.expire()
	hidden := 0
	for _, m := range b.queues[q] {
		if _, held := b.held[*m.ReceiptHandle]; held {
			hidden++
		}
	}
	attrs := map[string]string{
		"QueueArn":                              "arn:" + q,
		"ApproximateNumberOfMessages":           strconv.Itoa(len(b.queues[q]) - hidden),
		"ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
	}
	if p := b.policy[q]; p != "" {
		attrs["RedrivePolicy"] = p
	}
	return &sqs.GetQueueAttributesOutput{Attributes: attrs}, nil
}

// ReceiveMessage waits only in a bubble of synctest; elsewhere it would take long.
func (b *broker) ReceiveMessage(_ context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	b.expire()
	out := &sqs.ReceiveMessageOutput{}
	if b.empty > 0 {
		b.empty--
		return out, nil
	}
	q := name(in.QueueUrl)
	if copies := b.copies[q]; len(copies) > 0 {
		b.copies[q] = nil
		return &sqs.ReceiveMessageOutput{Messages: copies}, nil
	}
	for _, m := range b.queues[q] {
		if _, held := b.held[*m.ReceiptHandle]; !held && len(out.Messages) < int(in.MaxNumberOfMessages) {
			b.held[*m.ReceiptHandle] = time.Now().Add(time.Duration(in.VisibilityTimeout) * time.Second)
			out.Messages = append(out.Messages, m)
		}
	}
	if len(out.Messages) == 0 {
		<-time.After(time.Duration(in.WaitTimeSeconds) * time.Second)
	} else if b.slow > 0 {
		<-time.After(b.slow)
	}
	return out, nil
}

// expire shows the messages whose readers have held them for too long.
func (b *broker) expire() {
	for handle, until := range b.held {
		if !until.After(time.Now()) {
			delete(b.held, handle)
		}
	}
}

func (b *broker) SendMessage(_ context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	if b.failSend--; b.failSend == -1 {
		return nil, errors.New("no")
	}
	if b.deny != "" {
		return nil, &smithy.GenericAPIError{Code: b.deny}
	}
	b.log = append(b.log, "send "+*in.MessageBody)
	q := name(in.QueueUrl)
	b.put(q, *in.MessageBody)
	sent := &b.queues[q][len(b.queues[q])-1]
	sent.MessageAttributes = in.MessageAttributes
	for name, value := range in.MessageSystemAttributes {
		sent.Attributes[name] = *value.StringValue
	}
	return &sqs.SendMessageOutput{MessageId: aws.String("sent")}, nil
}

func (b *broker) DeleteMessage(_ context.Context, in *sqs.DeleteMessageInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	q := name(in.QueueUrl)
	for i, m := range b.queues[q] {
		if *m.ReceiptHandle == *in.ReceiptHandle {
			b.log = append(b.log, "delete "+*m.Body)
			if b.again {
				b.again, b.copies[q] = false, append(b.copies[q], m)
			}
			b.queues[q] = append(b.queues[q][:i:i], b.queues[q][i+1:]...)
			return &sqs.DeleteMessageOutput{}, nil
		}
	}
	return &sqs.DeleteMessageOutput{}, nil // as SQS answers for a message that is gone
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
