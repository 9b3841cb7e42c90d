package events

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"gatehouse.example/contracts"
)

// receiver is what lister needs of SQS.
type receiver interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
}

type lister struct {
	client receiver
	out    io.Writer
	now    func() time.Time
}

// list prints the queues and, if asked, their first messages.
func (l *lister) list(ctx context.Context, dlqs []deadLetterQueue, peek bool) error {
	w := tabwriter.NewWriter(l.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DEAD-LETTER QUEUE\tMESSAGES")
	total := 0
	for _, q := range dlqs {
		fmt.Fprintf(w, "%s\t%d\n", q.name, q.messages)
		total += q.messages
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write queues: %w", err)
	}
	if total == 0 {
		return nil
	}
	if !peek {
		fmt.Fprintln(l.out, "look at them with --peek; put them back with: gatehouse events replay QUEUE")
		return nil
	}
	for _, q := range dlqs {
		if q.messages == 0 {
			continue
		}
		if err := l.peek(ctx, q); err != nil {
			return err
		}
	}
	return nil
}

// peek leaves the messages visible to the next reader.
func (l *lister) peek(ctx context.Context, q deadLetterQueue) error {
	out, err := l.client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.url, MaxNumberOfMessages: 10, VisibilityTimeout: hold, WaitTimeSeconds: 1,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameSentTimestamp},
	})
	if err != nil {
		return fmt.Errorf("sqs.ReceiveMessage: %w", err)
	}
	// The SDK cannot send a visibility timeout of zero, so the messages are released.
	release(ctx, l.client, q, out.Messages)
	fmt.Fprintf(l.out, "\n%s, first %d:\n", q.name, len(out.Messages))
	w := tabwriter.NewWriter(l.out, 0, 0, 2, ' ', 0)
	for _, m := range out.Messages {
		fmt.Fprintf(w, "  %s\t%s\n", describe(m), l.age(m))
	}
	if err := w.Flush(); err != nil {
		return fmt.Errorf("write messages: %w", err)
	}
	return nil
}

func (l *lister) age(m types.Message) string {
	sent, err := strconv.ParseInt(m.Attributes["SentTimestamp"], 10, 64)
	if err != nil {
		return "age unknown"
	}
	return l.now().Sub(time.UnixMilli(sent)).Truncate(time.Second).String() + " old"
}

// describe names an event by type and id, and anything else only by its length,
// because it may hold personal data.
func describe(m types.Message) string {
	body := aws.ToString(m.Body)
	ev, err := contracts.Decode([]byte(body))
	if err != nil {
		return fmt.Sprintf("not a valid event, %d bytes, message %s", len(body), aws.ToString(m.MessageId))
	}
	return fmt.Sprintf("%q %q", ev.Type(), ev.ID())
}

// release makes messages visible again. If it fails, they become visible within a
// minute anyway.
func release(ctx context.Context, client receiver, q deadLetterQueue, messages []types.Message) {
	for _, m := range messages {
		_, _ = client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
			QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0,
		})
	}
}
