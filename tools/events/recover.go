package events

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
)

// Logs is what Recoverer needs of CloudWatch Logs.
type Logs interface {
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// Outbox is what Recoverer needs of SQS. The topic's policy allows only the triggers
// and the drain to publish, so an operator sends to the outbox.
type Outbox interface {
	SendMessage(context.Context, *sqs.SendMessageInput, ...func(*sqs.Options)) (*sqs.SendMessageOutput, error)
}

// Recoverer is `gatehouse events recover`. Its fields are set once, before the first use.
type Recoverer struct {
	Logs      Logs
	Outbox    Outbox
	OutboxURL string
	// Out is what the operator reads.
	Out io.Writer
}

// Recover sends every event in a log line since start to the outbox, each once. It reads
// the log groups whose names begin with prefix. A dry run only says what it would send.
func (r *Recoverer) Recover(ctx context.Context, prefix string, start time.Time, dryRun bool) error {
	found := map[string]bool{}
	unreadable := 0
	err := r.each(ctx, prefix, start, func(group, message string) error {
		body, kept := keptEvent(message)
		if !kept {
			return nil
		}
		ev, err := contracts.Decode(body)
		if err != nil {
			fmt.Fprintf(r.Out, "unreadable: a line of %d bytes in %s\n", len(message), group)
			unreadable++
			return nil
		}
		// CloudEvents promises that source and id together are unique.
		key := ev.Source() + "#" + ev.ID()
		if found[key] {
			return nil
		}
		if dryRun {
			fmt.Fprintf(r.Out, "would send: %q %q\n", ev.Type(), ev.ID())
		} else if err := r.send(ctx, body); err != nil {
			return fmt.Errorf("after %d events: %w", len(found), err)
		}
		found[key] = true
		return nil
	})
	if err != nil {
		return err
	}
	verb := "sent"
	if dryRun {
		verb = "would send"
	}
	fmt.Fprintf(r.Out, "%s %d events from the log groups %s* to the outbox\n", verb, len(found), prefix)
	if unreadable > 0 {
		return fmt.Errorf("%d log lines have no valid event; read them by hand", unreadable)
	}
	return nil
}

// each calls f with the lines of the log groups that have the key.
func (r *Recoverer) each(ctx context.Context, prefix string, start time.Time, f func(group, message string) error) error {
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(r.Logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix})
	for groups.HasMorePages() {
		page, err := groups.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("logs.DescribeLogGroups: %w", err)
		}
		for _, g := range page.LogGroups {
			lines := cloudwatchlogs.NewFilterLogEventsPaginator(r.Logs, &cloudwatchlogs.FilterLogEventsInput{
				LogGroupName: g.LogGroupName, StartTime: aws.Int64(start.UnixMilli()),
				FilterPattern: aws.String(`"` + publish.UndeliveredKey + `"`),
			})
			for lines.HasMorePages() {
				page, err := lines.NextPage(ctx)
				if err != nil {
					return fmt.Errorf("logs.FilterLogEvents: %w", err)
				}
				for _, e := range page.Events {
					if err := f(aws.ToString(g.LogGroupName), aws.ToString(e.Message)); err != nil {
						return err
					}
				}
			}
		}
	}
	return nil
}

// send sends the bytes in the log unchanged.
func (r *Recoverer) send(ctx context.Context, body []byte) error {
	_, err := r.Outbox.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &r.OutboxURL, MessageBody: aws.String(string(body))})
	if err != nil {
		return fmt.Errorf("sqs.SendMessage: %w", err)
	}
	return nil
}

// keptEvent extracts the event from a line that lambdakit/publish wrote, in
// either of the two formats that a Lambda function's log can have.
func keptEvent(message string) ([]byte, bool) {
	var line map[string]json.RawMessage
	if json.Unmarshal([]byte(message), &line) == nil {
		body, kept := line[publish.UndeliveredKey]
		return body, kept
	}
	return fromText(message)
}

// fromText reads the format of log/slog's TextHandler: name=value pairs, with
// values quoted as in Go if they hold a space or a quote. It reads the line pair by
// pair, so that a quoted value cannot be taken for the pair it looks like.
func fromText(line string) ([]byte, bool) {
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			return nil, false
		}
		var value string
		if quoted, err := strconv.QuotedPrefix(after); err == nil {
			value, err = strconv.Unquote(quoted)
			if err != nil {
				return nil, false
			}
			rest = after[len(quoted):]
		} else {
			value, rest, _ = strings.Cut(after, " ")
		}
		if name == publish.UndeliveredKey {
			return []byte(value), true
		}
	}
	return nil, false
}
