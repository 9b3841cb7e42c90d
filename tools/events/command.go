// Package events is `gatehouse events`: it finds events that did not arrive
// and sends them again.
//
// Every command may be repeated: an event keeps its id on every copy, so that
// consumers drop copies. No command prints more of a message than its type, id and
// age, because a message that is not an event may hold personal data.
package events

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
)

// Command is `gatehouse events`.
func Command() *cobra.Command {
	cmd := &cobra.Command{Use: "events", Short: "Find and resend events that did not arrive", Args: cobra.NoArgs}
	var environment string
	cmd.PersistentFlags().StringVar(&environment, "environment", "", "local, dev, test or production (default $GATEHOUSE_ENVIRONMENT)")
	cmd.AddCommand(deadCommand(&environment), replayCommand(&environment), recoverCommand(&environment))
	return cmd
}

func deadCommand(environment *string) *cobra.Command {
	var peek bool
	cmd := &cobra.Command{
		Use:   "dead",
		Short: "List the dead-letter queues and how many messages wait in each",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, env, err := connect(cmd.Context(), *environment)
			if err != nil {
				return err
			}
			client, dlqs, err := deadLetterQueues(cmd.Context(), cfg, env)
			if err != nil {
				return err
			}
			return actors.Hint((&lister{client: client, out: cmd.OutOrStdout(), now: time.Now}).list(cmd.Context(), dlqs, peek))
		},
	}
	cmd.Flags().BoolVar(&peek, "peek", false, "also show type, id and age of the first messages")
	return cmd
}

func replayCommand(environment *string) *cobra.Command {
	var o replayOptions
	cmd := &cobra.Command{
		Use:   "replay QUEUE",
		Short: "Move the messages of a dead-letter queue back to where they came from",
		Long: `Moves the messages of a dead-letter queue back to its source queue. A message is
deleted only after the source queue has taken it; stopping halfway loses nothing.
What is not a valid event stays, unless --force is given. It acts as the role
gatehouse-{environment}-user-events-operator, which you must be allowed to assume.`,
		Example: "  gatehouse events replay gatehouse-production-signin-audit-recorder-dlq --dry-run",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.limit < 0 {
				return errors.New("--limit must not be negative")
			}
			cfg, env, err := connectOperator(cmd.Context(), *environment)
			if err != nil {
				return err
			}
			client, dlqs, err := deadLetterQueues(cmd.Context(), cfg, env)
			if err != nil {
				return err
			}
			q, err := pick(dlqs, args[0])
			if err != nil {
				return err
			}
			return actors.Hint((&replayer{client: client, out: cmd.OutOrStdout()}).replay(cmd.Context(), q, o))
		},
	}
	cmd.Flags().IntVar(&o.limit, "limit", 0, "move at most this many; 0 for all")
	cmd.Flags().BoolVar(&o.dryRun, "dry-run", false, "only print what would be moved")
	cmd.Flags().BoolVar(&o.force, "force", false, "also move messages that are not valid events")
	return cmd
}

func recoverCommand(environment *string) *cobra.Command {
	var since time.Duration
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Send the events that are only in the log",
		Long: `Looks through the environment's log groups for events that neither the topic nor the
outbox took, and puts them into the outbox, from where they go to the topic. It acts as
the role gatehouse-{environment}-user-events-operator, which you must be allowed to assume.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if since <= 0 {
				return errors.New("--since must be positive, such as 24h")
			}
			cfg, env, err := connectOperator(cmd.Context(), *environment)
			if err != nil {
				return err
			}
			url, err := actors.Parameter(cmd.Context(), cfg, env, "user-events", "outbox-url")
			if err != nil {
				return err
			}
			r := Recoverer{
				Logs: cloudwatchlogs.NewFromConfig(cfg), Outbox: sqs.NewFromConfig(cfg),
				OutboxURL: url, Out: cmd.OutOrStdout(),
			}
			return actors.Hint(r.Recover(cmd.Context(), "/gatehouse/"+env+"/", time.Now().Add(-since), dryRun))
		},
	}
	cmd.Flags().DurationVar(&since, "since", 24*time.Hour, "how far to look back")
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be sent")
	return cmd
}

// deadLetterQueues finds the environment's dead-letter queues.
func deadLetterQueues(ctx context.Context, cfg aws.Config, env string) (*sqs.Client, []deadLetterQueue, error) {
	client := sqs.NewFromConfig(cfg)
	dlqs, err := find(ctx, client, "gatehouse-"+env+"-")
	if err != nil {
		return nil, nil, actors.Hint(fmt.Errorf("find queues: %w", err))
	}
	if len(dlqs) == 0 {
		return nil, nil, fmt.Errorf("no dead-letter queue begins with gatehouse-%s-; is anything deployed there?", env)
	}
	return client, dlqs, nil
}

// connectOperator is connect with the credentials of the environment's operator.
func connectOperator(ctx context.Context, environment string) (aws.Config, string, error) {
	cfg, environment, err := connect(ctx, environment)
	if err != nil {
		return aws.Config{}, "", err
	}
	cfg, err = asOperator(ctx, cfg, sts.NewFromConfig(cfg), environment)
	return cfg, environment, actors.Hint(err)
}

// connect finds the environment and its account, or advises how to set them.
func connect(ctx context.Context, environment string) (aws.Config, string, error) {
	environment, err := actors.Environment(environment)
	if err != nil {
		return aws.Config{}, "", err
	}
	cfg, err := actors.Connect(ctx)
	return cfg, environment, err
}
