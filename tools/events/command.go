// Package events is `gatehouse events`: it shows events as they are published, finds those
// that did not arrive, and sends them again.
//
// Every command may be repeated: an event keeps its id on every copy, so that
// consumers drop copies. No command prints more of a message than its type, id and
// age, because a message that is not an event may hold personal data; `dead show` and `tail`
// also print what is in an event.
package events

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
)

// Command is `gatehouse events`.
func Command() *cobra.Command {
	cmd := &cobra.Command{Use: "events", Short: "Watch events, find and resend those that did not arrive", Args: cobra.NoArgs}
	var environment string
	cmd.PersistentFlags().StringVar(&environment, "environment", "", "local, dev, test or production (default $GATEHOUSE_ENVIRONMENT)")
	cmd.AddCommand(announceCommand(&environment), deadCommand(&environment), findCommand(&environment), outboxCommand(&environment),
		recoverCommand(&environment), tailCommand(&environment))
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
