package events

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"gatehouse.example/contracts"
)

// hold is how long, in seconds, a message is hidden from other readers while it
// is read or moved.
const hold = 60

// mover is what replayer needs of SQS.
type mover interface {
	receiver
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

// replay moves messages until the queue is empty or the limit is reached.
// StartMessageMoveTask of SQS would move messages without reading them.
func (r *replayer) replay(ctx context.Context, q deadLetterQueue, o replayOptions) error {
	if len(q.sources) != 1 {
		return fmt.Errorf("%s is the dead-letter queue of %d queues; it is not known which one its messages came from", q.name, len(q.sources))
	}
	to := q.sources[0]
	var kept []types.Message
	// Also after an interrupt, messages that were not moved are visible at once.
	defer func() { release(context.WithoutCancel(ctx), r.client, q, kept) }()
	moved, refused := 0, 0
	seen := map[string]bool{}
	for o.limit == 0 || moved < o.limit {
		batch, err := r.receive(ctx, q, o.limit-moved)
		if err != nil {
			return err
		}
		// Messages that stay become visible again; then every message has been read.
		if len(batch) == 0 || seen[aws.ToString(batch[0].MessageId)] {
			break
		}
		for i, m := range batch {
			seen[aws.ToString(m.MessageId)] = true
			if _, err := contracts.Decode([]byte(aws.ToString(m.Body))); err != nil && !o.force {
				fmt.Fprintln(r.out, "refused:", describe(m))
				kept = append(kept, m)
				refused++
				continue
			}
			if o.dryRun {
				fmt.Fprintln(r.out, "would move:", describe(m))
				kept = append(kept, m)
			} else if err := r.move(ctx, q, to, m); err != nil {
				kept = append(kept, batch[i:]...)
				return fmt.Errorf("after %d moved messages: %w", moved, err)
			}
			moved++
		}
	}
	verb := "moved"
	if o.dryRun {
		verb = "would move"
	}
	fmt.Fprintf(r.out, "%s %d from %s to %s\n", verb, moved, q.name, to.name)
	if refused > 0 {
		return fmt.Errorf("%d messages in %s are not valid events and stay there; --force moves them too", refused, q.name)
	}
	return nil
}

func (r *replayer) receive(ctx context.Context, q deadLetterQueue, left int) ([]types.Message, error) {
	most := int32(10)
	if left > 0 && left < 10 {
		most = int32(left)
	}
	out, err := r.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: most, VisibilityTimeout: hold, WaitTimeSeconds: 2,
		MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		return nil, fmt.Errorf("sqs.ReceiveMessage: %w", err)
	}
	return out.Messages, nil
}

// move deletes a message only when the source queue has acknowledged it: a
// crash between the two makes a copy, which consumers drop by its id.
func (r *replayer) move(ctx context.Context, q deadLetterQueue, to queue, m types.Message) error {
	out, err := r.client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &to.url, MessageBody: m.Body, MessageAttributes: m.MessageAttributes})
	if err != nil {
		return fmt.Errorf("sqs.SendMessage: %w", err)
	}
	if aws.ToString(out.MessageId) == "" {
		return errors.New("sqs.SendMessage: the queue did not acknowledge the message")
	}
	if _, err := r.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
		return fmt.Errorf("sqs.DeleteMessage: %w", err)
	}
	return nil
}
