package events

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"

	"gatehouse.example/lambdakit/consume"
)

// hold is how long, in seconds, a message is hidden from other readers while it
// is read or moved.
const hold = 60

// mover is what replayer needs of SQS.
type mover interface {
	receiver
	counter
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
}

type replayOptions struct {
	limit         int
	dryRun, force bool
}

type replayer struct {
	client mover
	out    io.Writer
}

// settle is how long replay waits for messages that the queue counts and does not
// return. Another reader may hold one for as long as this command does, and the
// counts may be late by a minute
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html).
const settle = (hold + 15) * time.Second

// run is one replay of a queue.
type run struct {
	*replayer
	from  deadLetterQueue
	to    queue
	o     replayOptions
	moved int
	// kept are the messages that stay, by id, each as it was received last.
	kept map[string]types.Message
	// gone are the ids of the messages that were moved.
	gone map[string]bool
	// sent are the bodies of those messages. One that appears again under another id was
	// moved back by its consumer, or is a copy; moving it again would never end.
	sent            map[string]bool
	refused, resent int
}

// replay moves messages until the queue is empty or the limit is reached.
// StartMessageMoveTask of SQS would move messages without reading them.
func (r *replayer) replay(ctx context.Context, q deadLetterQueue, o replayOptions) error {
	if len(q.sources) != 1 {
		return fmt.Errorf("%s is the dead-letter queue of %d queues; it is not known which one its messages came from", q.name, len(q.sources))
	}
	m := &run{replayer: r, from: q, to: q.sources[0], o: o, kept: map[string]types.Message{}, gone: map[string]bool{}, sent: map[string]bool{}}
	// Also after an interrupt, messages that were not moved are visible at once.
	defer func() {
		release(context.WithoutCancel(ctx), r.client, q, slices.Collect(maps.Values(m.kept)))
	}()
	left, err := m.all(ctx)
	if err != nil {
		return err
	}
	verb := "moved"
	if o.dryRun {
		verb = "would move"
	}
	fmt.Fprintf(r.out, "%s %d from %s to %s\n", verb, m.moved, q.name, m.to.name)
	var errs []error
	if m.refused > 0 {
		errs = append(errs, fmt.Errorf("%d messages in %s are not valid events and stay there; --force moves them too", m.refused, q.name))
	}
	if m.resent > 0 {
		errs = append(errs, fmt.Errorf("%d messages in %s are equal to moved ones and stay there: the consumer moved them back, or they are copies", m.resent, q.name))
	}
	if left > 0 {
		errs = append(errs, fmt.Errorf("%s counts about %d more messages and does not return them, because another reader may hold them; run it again", q.name, left))
	}
	return errors.Join(errs...)
}

// all handles every message up to the limit. An answer without a new message does
// not mean that the queue is empty: a message can be hidden, or be delivered again.
// The queue's counts decide, and all returns how many messages they still show.
func (m *run) all(ctx context.Context) (left int, err error) {
	last := time.Now()
	for m.o.limit == 0 || m.moved < m.o.limit {
		batch, err := receive(ctx, m.client, m.from, m.o.limit-m.moved)
		if err != nil {
			return 0, err
		}
		news, err := m.handle(ctx, batch)
		if err != nil {
			return 0, fmt.Errorf("after %d moved messages: %w", m.moved, err)
		}
		if news {
			last = time.Now()
			continue
		}
		count, err := countMessages(ctx, m.client, m.from.url)
		if err != nil {
			return 0, err
		}
		if left = count - len(m.kept); left <= 0 {
			return 0, nil
		}
		if time.Since(last) > settle {
			return left, nil
		}
	}
	return 0, nil
}

// handle moves or keeps each message of a batch, and reports whether one was new.
func (m *run) handle(ctx context.Context, batch []types.Message) (news bool, err error) {
	for i, msg := range batch {
		id := aws.ToString(msg.MessageId)
		if _, known := m.kept[id]; known {
			m.kept[id] = msg
			continue
		}
		if m.gone[id] { // a copy that its deletion did not reach
			if err := m.remove(ctx, m.from, msg); err != nil {
				return news, m.keep(batch[i:], err)
			}
			continue
		}
		news = true
		if _, ok := content(msg); !ok && !m.o.force {
			fmt.Fprintln(m.out, "refused:", describe(msg))
			m.kept[id] = msg
			m.refused++
			continue
		}
		if m.sent[aws.ToString(msg.Body)] {
			fmt.Fprintln(m.out, "met again:", describe(msg))
			m.kept[id] = msg
			m.resent++
			continue
		}
		if m.o.dryRun {
			fmt.Fprintln(m.out, "would move:", describe(msg))
			m.kept[id] = msg
		} else if err := m.move(ctx, m.from, m.to, msg); err != nil {
			return news, m.keep(batch[i:], err)
		} else {
			m.gone[id], m.sent[aws.ToString(msg.Body)] = true, true
		}
		m.moved++
	}
	return news, nil
}

// keep notes messages that were not handled because of err.
func (m *run) keep(batch []types.Message, err error) error {
	for _, msg := range batch {
		m.kept[aws.ToString(msg.MessageId)] = msg
	}
	return err
}

// receive returns up to ten messages, or up to limit if that is between one and ten.
// It asks all of SQS's servers (long polling), and can still return nothing although
// the queue has messages.
func receive(ctx context.Context, client receiver, q deadLetterQueue, limit int) ([]types.Message, error) {
	most := int32(10)
	if limit > 0 && limit < 10 {
		most = int32(limit)
	}
	out, err := client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: most, VisibilityTimeout: hold, WaitTimeSeconds: 2,
		MessageAttributeNames: []string{"All"},
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{
			types.MessageSystemAttributeNameSentTimestamp, types.MessageSystemAttributeNameApproximateReceiveCount,
			types.MessageSystemAttributeNameApproximateFirstReceiveTimestamp, types.MessageSystemAttributeNameDeadLetterQueueSourceArn,
			types.MessageSystemAttributeNameAWSTraceHeader,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("sqs.ReceiveMessage: %w", err)
	}
	return out.Messages, nil
}

// move deletes a message only when the source queue has acknowledged it: a crash between
// the two makes a copy, which consumers drop by its id. The reason for which a consumer
// moved the message is not copied; the trace is.
func (r *replayer) move(ctx context.Context, q deadLetterQueue, to queue, m types.Message) error {
	attributes := maps.Clone(m.MessageAttributes)
	delete(attributes, consume.ReasonAttribute)
	out, err := r.client.SendMessage(ctx, &sqs.SendMessageInput{
		QueueUrl: &to.url, MessageBody: m.Body, MessageAttributes: attributes,
		MessageSystemAttributes: inTrace(m.Attributes[string(types.MessageSystemAttributeNameAWSTraceHeader)]),
	})
	var api smithy.APIError
	if errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), "AccessDenied") {
		return fmt.Errorf("sqs.SendMessage: the policy of %s does not let the operator send; the queues of client events accept messages of apps only: %w", to.name, err)
	}
	if err != nil {
		return fmt.Errorf("sqs.SendMessage: %w", err)
	}
	if aws.ToString(out.MessageId) == "" {
		return errors.New("sqs.SendMessage: the queue did not acknowledge the message")
	}
	return r.remove(ctx, q, m)
}

// inTrace makes a message part of the trace of an X-Ray header, if there is one.
func inTrace(header string) map[string]types.MessageSystemAttributeValue {
	if header == "" {
		return nil
	}
	return map[string]types.MessageSystemAttributeValue{
		string(types.MessageSystemAttributeNameForSendsAWSTraceHeader): {DataType: aws.String("String"), StringValue: &header},
	}
}

func (r *replayer) remove(ctx context.Context, q deadLetterQueue, m types.Message) error {
	if _, err := r.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
		return fmt.Errorf("sqs.DeleteMessage: %w", err)
	}
	return nil
}
