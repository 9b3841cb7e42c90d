package events

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"gatehouse.example/lambdakit/publish"
)

// Logs is what the commands need of CloudWatch Logs.
type Logs interface {
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// line is a log line of a function.
type line struct {
	group, text string
	at          time.Time
}

// eachLine calls f with the lines with a word, in all log groups whose names begin with
// prefix. They are read from start on; the zero time is as long as they are kept.
func eachLine(ctx context.Context, logs Logs, prefix, word string, start time.Time, f func(line) error) error {
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix})
	for groups.HasMorePages() {
		page, err := groups.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("logs.DescribeLogGroups: %w", err)
		}
		for _, g := range page.LogGroups {
			if err := linesOf(ctx, logs, g, word, start, f); err != nil {
				return err
			}
		}
	}
	return nil
}

func linesOf(ctx context.Context, logs Logs, g types.LogGroup, word string, start time.Time, f func(line) error) error {
	in := &cloudwatchlogs.FilterLogEventsInput{LogGroupName: g.LogGroupName, FilterPattern: aws.String(`"` + word + `"`)}
	if !start.IsZero() {
		in.StartTime = aws.Int64(start.UnixMilli())
	}
	lines := cloudwatchlogs.NewFilterLogEventsPaginator(logs, in)
	for lines.HasMorePages() {
		page, err := lines.NextPage(ctx)
		if gone := (*types.ResourceNotFoundException)(nil); errors.As(err, &gone) {
			return nil // somebody deleted a stack meanwhile, and its lines with it
		}
		if err != nil {
			return fmt.Errorf("logs.FilterLogEvents of %s: %w", aws.ToString(g.LogGroupName), err)
		}
		for _, e := range page.Events {
			l := line{group: aws.ToString(g.LogGroupName), text: aws.ToString(e.Message), at: time.UnixMilli(aws.ToInt64(e.Timestamp)).UTC()}
			if err := f(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// keptEvent is the event in a line that lambdakit/publish wrote, and why neither the topic nor the outbox accepted it.
type keptEvent struct {
	body                []byte
	topicErr, outboxErr string
}

// readKept reads such a line, in either of the two formats that a Lambda function's log
// can have.
func readKept(message string) (keptEvent, bool) {
	fields := map[string]json.RawMessage{}
	if json.Unmarshal([]byte(message), &fields) == nil {
		body, kept := fields[publish.UndeliveredKey]
		return keptEvent{body: body, topicErr: asText(fields["topicError"]), outboxErr: asText(fields["outboxError"])}, kept
	}
	pairs := fromText(message)
	body, kept := pairs[publish.UndeliveredKey]
	if !kept {
		return keptEvent{}, false
	}
	return keptEvent{body: []byte(body), topicErr: pairs["topicError"], outboxErr: pairs["outboxError"]}, true
}

// asText is the text in a JSON string, or empty.
func asText(raw json.RawMessage) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// fromText reads the format of log/slog's TextHandler: name=value pairs, with
// values quoted as in Go if they hold a space or a quote. It reads the line pair by
// pair, so that a quoted value cannot be taken for the pair it looks like. Of two pairs
// with one name the first counts.
func fromText(text string) map[string]string {
	pairs := map[string]string{}
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			break
		}
		var value string
		if quoted, err := strconv.QuotedPrefix(after); err == nil {
			value, err = strconv.Unquote(quoted)
			if err != nil {
				break
			}
			rest = after[len(quoted):]
		} else {
			value, rest, _ = strings.Cut(after, " ")
		}
		if _, known := pairs[name]; !known {
			pairs[name] = value
		}
	}
	return pairs
}
