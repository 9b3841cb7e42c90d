package events

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/spf13/cobra"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/terminal"
)

// failedWithin is how long the drain's last error about a message stands for the message:
// it fails at each one about every minute.
const failedWithin = 2 * time.Minute

// lookBack is how far the drain's log is read for the last error of an event.
const lookBack = time.Hour

func outboxCommand(environment *string) *cobra.Command {
	return &cobra.Command{
		Use:   "outbox",
		Short: "Show the events that wait in the outbox",
		Long: `Shows how many events wait in the outbox, visible, taken by the drain and delayed, and of
each its type, id, age, and the last error of the drain. Showing a message counts as one of
its thousand receives. It acts as the role
gatehouse-{environment}-user-events-operator, which you must be allowed to assume.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, env, err := connectOperator(cmd.Context(), *environment)
			if err != nil {
				return err
			}
			url, err := actors.Parameter(cmd.Context(), cfg, env, "user-events", "outbox-url")
			if err != nil {
				return err
			}
			o := outbox{
				client: sqs.NewFromConfig(cfg), logs: cloudwatchlogs.NewFromConfig(cfg), url: url,
				group: "/gatehouse/" + env + "/user-events/drain", out: cmd.OutOrStdout(), now: time.Now,
			}
			return actors.Hint(o.show(cmd.Context()))
		},
	}
}

// outbox shows what waits there.
type outbox struct {
	client     scanner
	logs       Logs
	url, group string
	out        io.Writer
	now        func() time.Time
}

// failure is what a consumer logged about a message.
type failure struct {
	Message   string `json:"msg"`
	MessageID string `json:"messageId"`
	ID        string `json:"id"`
	Type      string `json:"type"`
	Error     string `json:"error"`
	Reason    string `json:"reason"`
	at        time.Time
}

func (o *outbox) show(ctx context.Context) error {
	attributes, err := o.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &o.url, AttributeNames: counts()})
	if err != nil {
		return fmt.Errorf("sqs.GetQueueAttributes: %w", err)
	}
	rows := [][]string{{"STATE", "EVENTS"}}
	for i, state := range []string{"waiting", "taken by drain or a reader", "delayed"} {
		rows = append(rows, []string{state, terminal.Printable(cmp.Or(attributes.Attributes[string(counts()[i])], "0"))})
	}
	if err := terminal.Table(o.out, rows...); err != nil {
		return err
	}
	failed, err := o.failures(ctx)
	if err != nil {
		return err
	}
	table, err := o.waiting(ctx, failed)
	if err != nil {
		return err
	}
	table = append(table, o.taken(failed)...)
	if len(table) == 0 {
		if Messages(attributes.Attributes) > 0 {
			fmt.Fprintln(o.out, "drain holds them and has logged no error about them yet; look again in a minute")
		}
		return nil
	}
	fmt.Fprintln(o.out)
	head := []string{"TYPE", "ID", "AGE", "RECEIVED", "LAST ERROR OF DRAIN"}
	if err := terminal.Table(o.out, slices.Concat([][]string{head}, table)...); err != nil {
		return err
	}
	fmt.Fprintln(o.out, "drain sends them when the topic accepts events: docs/playbooks/outbox-old.md; `gatehouse events find ID` says more about one")
	return nil
}

// failures are the drain's last errors, by message id.
func (o *outbox) failures(ctx context.Context) (map[string]failure, error) {
	last := map[string]failure{}
	err := eachLine(ctx, o.logs, o.group, consume.Retried, o.now().Add(-lookBack), func(l line) error {
		var f failure
		if json.Unmarshal([]byte(l.text), &f) == nil && f.MessageID != "" && !l.at.Before(last[f.MessageID].at) {
			f.at = l.at
			last[f.MessageID] = f
		}
		return nil
	})
	return last, err
}

// waiting lists the messages that can be received now, and removes them from failed.
func (o *outbox) waiting(ctx context.Context, failed map[string]failure) (rows [][]string, err error) {
	_, err = scan(ctx, o.client, o.url, 0, func(m types.Message) (bool, error) {
		typ, id := "not a valid event", aws.ToString(m.MessageId)
		if ev, err := contracts.Decode([]byte(aws.ToString(m.Body))); err == nil {
			typ, id = ev.Type(), ev.ID()
		}
		_, age, _ := timeOf(m, "SentTimestamp", o.now())
		f := failed[aws.ToString(m.MessageId)]
		delete(failed, aws.ToString(m.MessageId))
		rows = append(rows, []string{
			terminal.Printable(typ), terminal.Printable(id), cmp.Or(age, "unknown"), received(m), terminal.Printable(cmp.Or(f.Error, "-")),
		})
		return false, nil
	})
	return rows, err
}

// taken lists the messages that the drain has failed at a moment ago, and that are hidden
// until the next attempt.
func (o *outbox) taken(failed map[string]failure) (rows [][]string) {
	for _, id := range slices.Sorted(maps.Keys(failed)) {
		if f := failed[id]; o.now().Sub(f.at) < failedWithin {
			rows = append(rows, []string{
				terminal.Printable(f.Type), terminal.Printable(f.ID), "-", "hidden until the next attempt", terminal.Printable(f.Error),
			})
		}
	}
	return rows
}
