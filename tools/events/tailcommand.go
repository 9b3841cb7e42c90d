package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
)

func tailCommand(environment *string) *cobra.Command {
	var o tailOptions
	cmd := &cobra.Command{
		Use:   "tail",
		Short: "Show events as they are published",
		Long: `Shows each event of the topic as it is published, until Ctrl-C. It makes a queue of its
own that is subscribed to the topic, with a filter, and deletes both at the end. What a
crashed run left, the next run deletes after an hour.

It uses your own credentials. They need ssm:GetParameter for the topic's name;
sqs:CreateQueue, sqs:DeleteQueue, sqs:ReceiveMessage and sqs:DeleteMessage for queues
whose names begin with gatehouse-{environment}-tail-, and sqs:ListQueues; sns:Subscribe
and sns:ListSubscriptionsByTopic for the topic, and sns:Unsubscribe.`,
		Example: `  gatehouse events tail --type user.signin.failed
  gatehouse events tail --type user --user 5f0c6a3e-6d0b-4c7e-9d53-0f6b1f1f8a11 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.limit <= 0 || o.limit > longestTail {
				return fmt.Errorf("--for must be positive, and at most %s", longestTail)
			}
			return runTail(cmd, *environment, o)
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&o.types, "type", nil, "only this type, such as user.signin.failed, or the types that begin so; may be repeated")
	f.StringVar(&o.user, "user", "", "only events about this user, by sub")
	f.StringVar(&o.client, "client", "", "only events with this app client's id")
	f.BoolVar(&o.json, "json", false, "print each event whole, as JSON")
	f.DurationVar(&o.limit, "for", longestTail, "end after this time")
	return cmd
}

type tailOptions struct {
	types        []string
	user, client string
	json         bool
	limit        time.Duration
}

func runTail(cmd *cobra.Command, environment string, o tailOptions) error {
	types, err := typesNamed(o.types)
	if err != nil {
		return err
	}
	filter, err := filterOf(types, o.client)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), o.limit)
	defer cancel()
	cfg, environment, err := connect(ctx, environment)
	if err != nil {
		return err
	}
	topic, err := actors.Parameter(ctx, cfg, environment, "user-events", "topic-arn")
	if err != nil {
		return err
	}
	queues, topics := sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	// What cannot be deleted is left for a later run, and does no harm.
	if err := actors.Sweep(ctx, queues, topics, topic, tailPrefix(environment), time.Now()); err != nil && ctx.Err() == nil {
		fmt.Fprintln(cmd.ErrOrStderr(), "what earlier runs left is not deleted:", err)
	}
	t := &tailer{
		inbox: &actors.Inbox{Queues: queues, Topics: topics, TopicARN: topic, Name: tailPrefix(environment) + actors.NewID(time.Now()), Filter: filter},
		user:  o.user, json: o.json, out: cmd.OutOrStdout(),
	}
	err = t.tail(ctx, func() { fmt.Fprintln(cmd.ErrOrStderr(), "waiting for events; Ctrl-C ends it") })
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return nil
	}
	return actors.Hint(err)
}
