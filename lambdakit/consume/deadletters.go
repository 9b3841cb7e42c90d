package consume

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"gatehouse.example/lambdakit/reason"
)

// Poison is the error of a message that no attempt can handle, such as one that is not
// an event. It says why in a word or two with underscores, without anything of the
// message's content.
type Poison string

// Error quotes the reason.
func (p Poison) Error() string { return "consume: no attempt can handle the message: " + string(p) }

// NotAnEvent is the reason for a message that contracts.Decode refuses.
const NotAnEvent Poison = "not_an_event"

// ReasonAttribute is the message attribute with the reason, on messages in a dead-letter
// queue that a consumer moved there. SQS's own moves add no attribute.
const ReasonAttribute = "gatehouseReason"

// maxAttributes is how many attributes SQS accepts
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-message-metadata.html).
const maxAttributes = 10

// moveTimeout bounds the moves of one batch.
const moveTimeout = 2 * time.Second

// Sender is what DeadLetters needs of SQS.
type Sender interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// DeadLetters is the dead-letter queue of a consumer.
type DeadLetters struct {
	Queue Sender
	URL   string
}

// Move copies a message with its attributes into the queue, and adds the reason. The
// original is deleted when Lambda gets the answer, so a crash in between makes a second
// copy, with the same body.
func (d *DeadLetters) Move(ctx context.Context, m events.SQSMessage, why Poison) error {
	attributes := map[string]types.MessageAttributeValue{
		ReasonAttribute: {DataType: aws.String("String"), StringValue: aws.String(string(why))},
	}
	for _, name := range slices.Sorted(maps.Keys(m.MessageAttributes)) {
		a := m.MessageAttributes[name]
		if name != ReasonAttribute && len(attributes) < maxAttributes {
			attributes[name] = types.MessageAttributeValue{DataType: &a.DataType, StringValue: a.StringValue, BinaryValue: a.BinaryValue}
		}
	}
	out, err := d.Queue.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &d.URL, MessageBody: &m.Body, MessageAttributes: attributes})
	switch {
	case err != nil:
		return fmt.Errorf("sqs.SendMessage: %w", reason.Safe(err))
	case aws.ToString(out.MessageId) == "":
		return errors.New("sqs.SendMessage: the queue did not acknowledge the message")
	}
	return nil
}

// bury moves the poison of a batch, and removes from failed what was moved. It stops at
// the first message that the queue does not take: the others would wait for nothing.
func (c *Consumer) bury(ctx context.Context, in events.SQSEvent, failed map[string]error, known []Record) (moved int) {
	ctx, cancel := context.WithTimeout(ctx, moveTimeout)
	defer cancel()
	for _, m := range in.Records {
		var why Poison
		if !errors.As(failed[m.MessageId], &why) {
			continue
		}
		line := append(names(m, known), "bytes", len(m.Body), "reason", string(why))
		if c.Dead == nil {
			c.Log.ErrorContext(ctx, "message cannot be handled; it goes to the dead-letter queue after the last attempt", line...)
			continue
		}
		if err := c.Dead.Move(ctx, m, why); err != nil {
			c.Log.ErrorContext(ctx, "message cannot be handled, and the dead-letter queue does not take it; it will be delivered again",
				append(line, ErrorKey, err.Error())...)
			return moved
		}
		c.Log.ErrorContext(ctx, "message cannot be handled; it was moved to the dead-letter queue", line...)
		delete(failed, m.MessageId)
		moved++
	}
	return moved
}
