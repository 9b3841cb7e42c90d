package events

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/tools/internal/terminal"
)

// dropper is what deadLetters needs of SQS.
type dropper interface {
	scanner
	DeleteMessage(context.Context, *sqs.DeleteMessageInput, ...func(*sqs.Options)) (*sqs.DeleteMessageOutput, error)
}

// deadLetters shows and deletes single messages of a dead-letter queue.
type deadLetters struct {
	client dropper
	out    io.Writer
	now    func() time.Time
}

// show shows the message with this id, SQS's or that of what is in it. A queue can have
// several copies of an event; the first one is shown.
func (l *deadLetters) show(ctx context.Context, q deadLetterQueue, id string) (types.Message, error) {
	var found *types.Message
	left, err := scan(ctx, l.client, q.url, settle, func(m types.Message) (bool, error) {
		if isMessage(m, id) {
			found = &m
		}
		return found != nil, nil
	})
	switch {
	case err != nil:
		return types.Message{}, err
	case found == nil && left > 0:
		return types.Message{}, fmt.Errorf("%s returns no message %q, and counts about %d that another reader holds; run it again", q.name, id, left)
	case found == nil:
		return types.Message{}, fmt.Errorf("%s has no message %q, neither as a message's id nor as an event's; "+
			"`gatehouse events dead list --peek` lists the first messages, `gatehouse events find` looks for an event everywhere", q.name, id)
	}
	return *found, l.print(q, *found)
}

// print prints the fields of a message that Gatehouse knows, and nothing that only its sender knows.
func (l *deadLetters) print(q deadLetterQueue, m types.Message) error {
	what, _ := content(m)
	rows := [][]string{
		{"queue", q.name},
		{"message", terminal.Printable(aws.ToString(m.MessageId))},
		{"content", what},
		{"sent", l.when(m, "SentTimestamp")},
		{"received", received(m) + " times, this look included; first " + l.when(m, "ApproximateFirstReceiveTimestamp")},
		{"moved by", movedBy(m)},
	}
	if err := terminal.Table(l.out, rows...); err != nil {
		return err
	}
	body := aws.ToString(m.Body)
	if ev, err := contracts.Decode([]byte(body)); err == nil {
		return printEvent(l.out, ev)
	}
	if r, err := cloudtrail.Parse([]byte(body)); err == nil {
		return printRecord(l.out, r)
	}
	fmt.Fprintln(l.out, shape(body))
	return nil
}

// received is how often a message was received, if SQS says so.
func received(m types.Message) string {
	return terminal.Printable(cmp.Or(m.Attributes["ApproximateReceiveCount"], "?"))
}

// when is a time of a message and how long ago it was.
func (l *deadLetters) when(m types.Message, attribute string) string {
	at, age, known := timeOf(m, attribute, l.now())
	if !known {
		return "at an unknown time"
	}
	return at.Format(time.RFC3339) + ", " + age + " ago"
}

// movedBy says who put a message into a dead-letter queue.
func movedBy(m types.Message) string {
	if why, moved := m.MessageAttributes[consume.ReasonAttribute]; moved {
		return fmt.Sprintf("its consumer, for %q", aws.ToString(why.StringValue))
	}
	if source := m.Attributes["DeadLetterQueueSourceArn"]; source != "" {
		return "SQS, which counted too many attempts at " + terminal.Printable(source[strings.LastIndex(source, ":")+1:])
	}
	return "SNS, which could not deliver it, or SQS after too many attempts; it gives no reason"
}

// shape describes a message that is not an event, without quoting it.
func shape(body string) string {
	var fields map[string]json.RawMessage
	if json.Unmarshal([]byte(body), &fields) != nil {
		return "the content is not a JSON object"
	}
	known := []string{"specversion", "id", "source", "type", "time", "subject", "data", "name"}
	var has []string
	for _, name := range known {
		if _, ok := fields[name]; ok {
			has = append(has, name)
		}
	}
	return fmt.Sprintf("the content is a JSON object with %d fields, %d of an event or app event: %s", len(fields), len(has), strings.Join(has, " "))
}

// drop deletes the message with this id after ask has agreed. It is received again for
// that, because a person may think for longer than a message stays hidden.
func (l *deadLetters) drop(ctx context.Context, q deadLetterQueue, id string, ask func() (bool, error)) error {
	shown, err := l.show(ctx, q, id)
	if err != nil {
		return err
	}
	if _, ok := content(shown); ok {
		fmt.Fprintf(l.out, "It is a valid event or record: `gatehouse events dead replay %s` sends it to %s again.\n", q.name, names(q.sources))
	}
	if yes, err := ask(); err != nil || !yes {
		return errors.Join(err, errors.New("nothing was deleted"))
	}
	deleted := false
	left, err := scan(ctx, l.client, q.url, settle, func(m types.Message) (bool, error) {
		if aws.ToString(m.MessageId) != aws.ToString(shown.MessageId) {
			return false, nil
		}
		if _, err := l.client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.url, ReceiptHandle: m.ReceiptHandle}); err != nil {
			return false, fmt.Errorf("sqs.DeleteMessage: %w", err)
		}
		deleted = true
		return true, nil
	})
	switch {
	case err != nil:
		return err
	case !deleted:
		return fmt.Errorf("the message is no longer returned, and about %d messages are held by another reader; nothing was deleted", left)
	}
	fmt.Fprintf(l.out, "deleted from %s: message %s\n", path.Base(q.url), aws.ToString(shown.MessageId))
	return nil
}

func names(queues []queue) string {
	var out []string
	for _, q := range queues {
		out = append(out, q.name)
	}
	return strings.Join(out, ", ")
}
