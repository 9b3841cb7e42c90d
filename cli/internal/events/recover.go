package events

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/publish"
)

// logs is what recoverer needs of CloudWatch Logs.
type logs interface {
	DescribeLogGroups(context.Context, *cloudwatchlogs.DescribeLogGroupsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.DescribeLogGroupsOutput, error)
	FilterLogEvents(context.Context, *cloudwatchlogs.FilterLogEventsInput, ...func(*cloudwatchlogs.Options)) (*cloudwatchlogs.FilterLogEventsOutput, error)
}

// topic is what recoverer needs of SNS.
type topic interface {
	Publish(context.Context, *sns.PublishInput, ...func(*sns.Options)) (*sns.PublishOutput, error)
}

type recoverer struct {
	logs     logs
	topic    topic
	topicARN string
	out      io.Writer
}

// recover publishes every event that a log line since start has kept, each id once.
func (r *recoverer) recover(ctx context.Context, prefix string, start time.Time, dryRun bool) error {
	found := map[string]bool{}
	unreadable := 0
	err := r.each(ctx, prefix, start, func(group, message string) error {
		body, kept := keptEvent(message)
		if !kept {
			return nil
		}
		ev, err := contracts.Decode(body)
		if err != nil {
			fmt.Fprintf(r.out, "unreadable: a line of %d bytes in %s\n", len(message), group)
			unreadable++
			return nil
		}
		if found[ev.ID()] {
			return nil
		}
		if dryRun {
			fmt.Fprintf(r.out, "would publish: %q %q\n", ev.Type(), ev.ID())
		} else if err := r.publish(ctx, ev, body); err != nil {
			return fmt.Errorf("after %d published events: %w", len(found), err)
		}
		found[ev.ID()] = true
		return nil
	})
	if err != nil {
		return err
	}
	verb := "published"
	if dryRun {
		verb = "would publish"
	}
	fmt.Fprintf(r.out, "%s %d events from the log groups %s*\n", verb, len(found), prefix)
	if unreadable > 0 {
		return fmt.Errorf("log lines without a valid event, left to a person: %d", unreadable)
	}
	return nil
}

// each calls f with the lines of the log groups that name the key.
func (r *recoverer) each(ctx context.Context, prefix string, start time.Time, f func(group, message string) error) error {
	groups := cloudwatchlogs.NewDescribeLogGroupsPaginator(r.logs, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix})
	for groups.HasMorePages() {
		page, err := groups.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("logs.DescribeLogGroups: %w", err)
		}
		for _, g := range page.LogGroups {
			lines := cloudwatchlogs.NewFilterLogEventsPaginator(r.logs, &cloudwatchlogs.FilterLogEventsInput{
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

// publish sends the very bytes that the log kept.
func (r *recoverer) publish(ctx context.Context, ev event.Event, body []byte) error {
	attrs := map[string]types.MessageAttributeValue{}
	for name, value := range contracts.Attributes(ev) {
		attrs[name] = types.MessageAttributeValue{DataType: aws.String("String"), StringValue: aws.String(value)}
	}
	_, err := r.topic.Publish(ctx, &sns.PublishInput{TopicArn: &r.topicARN, Message: aws.String(string(body)), MessageAttributes: attrs})
	if err != nil {
		return fmt.Errorf("sns.Publish: %w", err)
	}
	return nil
}

// keptEvent takes the event out of a line that contracts/publish wrote, in
// either of the two formats that a Lambda function's log can have.
func keptEvent(message string) ([]byte, bool) {
	var line map[string]json.RawMessage
	if json.Unmarshal([]byte(message), &line) == nil {
		body, kept := line[publish.UndeliveredKey]
		return body, kept
	}
	return fromText(message)
}
