package simulation

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	queueURL   = "https://sqs.eu-central-1.amazonaws.com/111122223333/"
	deadSuffix = "-dlq"
)

// urlOf is the URL of the queue that a function reads.
func urlOf(function string) string { return queueURL + function }

// sqsClient is SQS as one caller sees it. The caller's name begins the names of its steps.
type sqsClient struct {
	*universe
	caller string
}

func (s sqsClient) queue(url *string) *queue {
	name, dead := strings.CutSuffix(strings.TrimPrefix(*url, queueURL), deadSuffix)
	q := s.queues[name]
	switch {
	case q == nil:
		panic("simulation: no such queue: " + *url)
	case dead:
		return q.dead
	}
	return q
}

// SendMessage acknowledges a message once the queue has it.
func (s sqsClient) SendMessage(ctx context.Context, in *sqs.SendMessageInput, _ ...func(*sqs.Options)) (*sqs.SendMessageOutput, error) {
	inv := invocationOf(ctx)
	inv.live()
	c, q := s.copyOf(*in.MessageBody, inv), s.queue(in.QueueUrl)
	err := s.do(ctx, request{
		service: serviceOutbox, op: s.caller + ": sqs.SendMessage", event: c,
		apply:    func() error { q.send(c); return nil },
		answered: func() { s.acknowledge(c) },
	})
	if err != nil {
		return nil, err
	}
	return &sqs.SendMessageOutput{MessageId: aws.String("sqs")}, nil
}

// ReceiveMessage hides what it returns.
func (s sqsClient) ReceiveMessage(ctx context.Context, in *sqs.ReceiveMessageInput, _ ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error) {
	inv := invocationOf(ctx)
	if err := wait(ctx, inv, time.Duration(in.WaitTimeSeconds)*time.Second); err != nil {
		return nil, err
	}
	batch, _ := s.queue(in.QueueUrl).take(int(in.MaxNumberOfMessages), time.Duration(in.VisibilityTimeout)*time.Second)
	out := &sqs.ReceiveMessageOutput{}
	for _, m := range batch {
		out.Messages = append(out.Messages, types.Message{MessageId: &m.id, ReceiptHandle: &m.id, Body: &m.event.body})
	}
	return out, nil
}

// ChangeMessageVisibility makes a message visible.
func (s sqsClient) ChangeMessageVisibility(_ context.Context, in *sqs.ChangeMessageVisibilityInput, _ ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error) {
	q := s.queue(in.QueueUrl)
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := q.messages[*in.ReceiptHandle]; m != nil {
		m.visible = s.now() + time.Duration(in.VisibilityTimeout)*time.Second
	}
	return &sqs.ChangeMessageVisibilityOutput{}, nil
}

// DeleteMessage of a message that is gone succeeds.
func (s sqsClient) DeleteMessage(ctx context.Context, in *sqs.DeleteMessageInput, _ ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error) {
	inv, q := invocationOf(ctx), s.queue(in.QueueUrl)
	inv.live()
	s.mu.Lock()
	m := q.messages[*in.ReceiptHandle]
	s.mu.Unlock()
	if m == nil {
		return &sqs.DeleteMessageOutput{}, nil
	}
	err := s.do(ctx, request{service: serviceOutbox, op: s.caller + ": sqs.DeleteMessage", event: m.event, apply: func() error {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(q.messages, m.id)
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return &sqs.DeleteMessageOutput{}, nil
}

// GetQueueAttributes counts the messages, visible and hidden.
func (s sqsClient) GetQueueAttributes(_ context.Context, in *sqs.GetQueueAttributesInput, _ ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error) {
	q := s.queue(in.QueueUrl)
	s.mu.Lock()
	defer s.mu.Unlock()
	visible, hidden := 0, 0
	for _, m := range q.messages {
		if m.visible > s.now() {
			hidden++
		} else {
			visible++
		}
	}
	return &sqs.GetQueueAttributesOutput{Attributes: map[string]string{
		"ApproximateNumberOfMessages": strconv.Itoa(visible), "ApproximateNumberOfMessagesNotVisible": strconv.Itoa(hidden),
		"ApproximateNumberOfMessagesDelayed": "0",
	}}, nil
}
