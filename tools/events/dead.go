package events

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
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

// receiver is what lister needs of SQS.
type receiver interface {
	ReceiveMessage(context.Context, *sqs.ReceiveMessageInput, ...func(*sqs.Options)) (*sqs.ReceiveMessageOutput, error)
	ChangeMessageVisibility(context.Context, *sqs.ChangeMessageVisibilityInput, ...func(*sqs.Options)) (*sqs.ChangeMessageVisibilityOutput, error)
}

// peeks is how often peek asks for messages before it gives up.
const peeks = 3

type lister struct {
	client receiver
	out    io.Writer
	now    func() time.Time
}

// list prints the queues and, if asked, their first messages.
func (l *lister) list(ctx context.Context, dlqs []deadLetterQueue, peek bool) error {
	rows, total := [][]string{{"DEAD-LETTER QUEUE", "MESSAGES"}}, 0
	for _, q := range dlqs {
		rows = append(rows, []string{q.name, strconv.Itoa(q.messages)})
		total += q.messages
	}
	if err := terminal.Table(l.out, rows...); err != nil {
		return err
	}
	if total == 0 {
		return nil
	}
	if !peek {
		fmt.Fprintln(l.out, "look at them with --peek; put them back with: gatehouse events dead replay QUEUE")
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
	var messages []types.Message
	for range peeks { // an empty answer does not mean that the queue is empty
		var err error
		if messages, err = receive(ctx, l.client, q, 0); err != nil {
			return err
		}
		if len(messages) > 0 {
			break
		}
	}
	// The SDK cannot send a visibility timeout of zero, so the messages are released.
	release(ctx, l.client, q, messages)
	if len(messages) == 0 {
		fmt.Fprintf(l.out, "\n%s returns none of its messages now; another reader may hold them\n", q.name)
		return nil
	}
	fmt.Fprintf(l.out, "\n%s, first %d:\n", q.name, len(messages))
	var rows [][]string
	for _, m := range messages {
		rows = append(rows, []string{"  " + describe(m), l.age(m)})
	}
	return terminal.Table(l.out, rows...)
}

func (l *lister) age(m types.Message) string {
	_, age, known := timeOf(m, "SentTimestamp", l.now())
	if !known {
		return "age unknown"
	}
	return age + " old"
}

// timeOf is a time in an attribute of a message, and how long ago it was.
func timeOf(m types.Message, attribute string, now time.Time) (at time.Time, age string, known bool) {
	ms, err := strconv.ParseInt(m.Attributes[attribute], 10, 64)
	if err != nil {
		return time.Time{}, "", false
	}
	at = time.UnixMilli(ms).UTC()
	return at, now.Sub(at).Truncate(time.Second).String(), true
}

// describe names an event by type and id, a record by its name and id, and anything else
// only by its length, because it may hold personal data. It adds the reason for which a
// consumer moved it.
func describe(m types.Message) string {
	what, ok := content(m)
	if !ok {
		return what + ", message " + aws.ToString(m.MessageId)
	}
	if why, moved := m.MessageAttributes[consume.ReasonAttribute]; moved {
		return fmt.Sprintf("%s, moved for %q", what, aws.ToString(why.StringValue))
	}
	return what
}

// content says what a message has, and whether it is what a consumer can read: an event, a
// record of CloudTrail, which the queues of records have, or a person of an old system, of
// services/migration, whose address is not printed.
func content(m types.Message) (what string, ok bool) {
	body := []byte(aws.ToString(m.Body))
	if ev, err := contracts.Decode(body); err == nil {
		return fmt.Sprintf("%q %q", plain(ev.Type()), plain(ev.ID())), true
	}
	if r, err := cloudtrail.Parse(body); err == nil {
		return fmt.Sprintf("record %q %q", plain(r.Name), plain(r.ID)), true
	}
	if pool, is := newcomer(body); is {
		return fmt.Sprintf("somebody who came into %q", plain(pool)), true
	}
	return fmt.Sprintf("not a valid event, %d bytes", len(body)), false
}

// newcomer is the pool in a message of the trigger UserMigration.
func newcomer(body []byte) (pool string, is bool) {
	var m struct {
		Pool, Address string
		At            time.Time
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if d.Decode(&m) != nil || m.Address == "" || m.At.IsZero() || !strings.Contains(m.Pool, ":userpool/") {
		return "", false
	}
	return contracts.PoolID(m.Pool), true
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

// suffix of the names of dead-letter queues.
const suffix = "-dlq"

// deadLetterQueue is a queue for messages that no consumer could handle.
type deadLetterQueue struct {
	name, url string
	messages  int
	// sources are the queues whose messages end here.
	sources []queue
}

type queue struct{ name, url string }

// counter is what countMessages needs of SQS.
type counter interface {
	GetQueueAttributes(context.Context, *sqs.GetQueueAttributesInput, ...func(*sqs.Options)) (*sqs.GetQueueAttributesOutput, error)
}

// directory is what find needs of SQS.
type directory interface {
	counter
	ListQueues(context.Context, *sqs.ListQueuesInput, ...func(*sqs.Options)) (*sqs.ListQueuesOutput, error)
}

// countMessages returns about how many messages are in a queue.
func countMessages(ctx context.Context, client counter, url string) (int, error) {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: counts()})
	if err != nil {
		return 0, fmt.Errorf("sqs.GetQueueAttributes: %w", err)
	}
	return Messages(out.Attributes), nil
}

// counts are the attributes that together count every message: those that a reader
// can receive, those that one holds, and those that are not to be received yet.
func counts() []types.QueueAttributeName {
	return []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}
}

// Messages is how many messages a queue's attributes count in all of these.
func Messages(attributes map[string]string) (all int) {
	for _, name := range counts() {
		n, _ := strconv.Atoi(attributes[string(name)])
		all += n
	}
	return all
}

// find lists the dead-letter queues whose names begin with prefix: those with
// the suffix, and those that a queue's redrive policy names. The policy, and
// not the name, tells where a message came from.
func find(ctx context.Context, client directory, prefix string) ([]deadLetterQueue, error) {
	byARN := map[string]*deadLetterQueue{}
	sources := map[string][]queue{}
	pages := sqs.NewListQueuesPaginator(client, &sqs.ListQueuesInput{QueueNamePrefix: &prefix, MaxResults: new(int32(1000))})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("sqs.ListQueues: %w", err)
		}
		for _, url := range page.QueueUrls {
			out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: append(counts(),
				types.QueueAttributeNameQueueArn, types.QueueAttributeNameRedrivePolicy)})
			if gone := (*types.QueueDoesNotExist)(nil); errors.As(err, &gone) {
				continue // somebody deleted it meanwhile
			}
			if err != nil {
				return nil, fmt.Errorf("sqs.GetQueueAttributes: %w", err)
			}
			name := path.Base(url)
			byARN[out.Attributes["QueueArn"]] = &deadLetterQueue{name: name, url: url, messages: Messages(out.Attributes)}
			var policy struct {
				Target string `json:"deadLetterTargetArn"`
			}
			if json.Unmarshal([]byte(out.Attributes["RedrivePolicy"]), &policy) == nil && policy.Target != "" {
				sources[policy.Target] = append(sources[policy.Target], queue{name: name, url: url})
			}
		}
	}
	var found []deadLetterQueue
	for arn, q := range byARN {
		if q.sources = sources[arn]; len(q.sources) > 0 || strings.HasSuffix(q.name, suffix) {
			found = append(found, *q)
		}
	}
	slices.SortFunc(found, func(a, b deadLetterQueue) int { return strings.Compare(a.name, b.name) })
	return found, nil
}

// pick finds a dead-letter queue by its name, or by that of its source.
func pick(dlqs []deadLetterQueue, name string) (deadLetterQueue, error) {
	var names []string
	for _, q := range dlqs {
		if q.name == name || slices.ContainsFunc(q.sources, func(s queue) bool { return s.name == name }) {
			return q, nil
		}
		names = append(names, q.name)
	}
	return deadLetterQueue{}, fmt.Errorf("no dead-letter queue %q; there are:\n  %s", name, strings.Join(names, "\n  "))
}
