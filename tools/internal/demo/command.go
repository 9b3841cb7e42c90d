// Package demo signs one user up and in on a running local system, and shows what
// each step causes: an event, a metric and an audit row. It exists so that a
// newcomer sees in a minute what Gatehouse does. Like any client, it uses public
// APIs and the names in the env file only.
//
// The steps are data, in acts.go. The demo waits for everything with a deadline and
// ends with an error that names what is missing.
package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
)

// cleanUpLimit bounds the removal of the queue after Ctrl-C.
const cleanUpLimit = 10 * time.Second

// Command is `gatehouse demo`.
func Command() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Sign a user up and in, and show what each step causes",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".local", "folder of the running local system")
	return cmd
}

func run(cmd *cobra.Command, dir string) (err error) {
	ctx := cmd.Context()
	env, err := actors.ReadEnv(filepath.Join(dir, "env"), required()...)
	if err != nil {
		return fmt.Errorf("%w\nIs the system running? `make up` starts it", err)
	}
	cfg := env.Config()
	in := &actors.Inbox{
		Queues: sqs.NewFromConfig(cfg), Topics: sns.NewFromConfig(cfg), TopicARN: env["TOPIC_ARN"],
		Name: "gatehouse-demo-" + strings.ToLower(rand.Text()),
	}
	collecting, stop := context.WithCancel(ctx)
	var collector sync.WaitGroup
	defer func() {
		stop()
		collector.Wait()
		// The queue is deleted even when the demo was interrupted.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
		defer cancel()
		if closed := in.Close(ctx); closed != nil && err == nil {
			err = fmt.Errorf("actors.Inbox: %w", closed)
		}
	}()
	if err := in.Open(ctx); err != nil {
		return fmt.Errorf("actors.Inbox: %w", err)
	}
	collector.Go(func() { in.Collect(collecting) })
	p := newPrinter(cmd.OutOrStdout())
	s := &story{
		out: p, inbox: in,
		metrics: actors.NewMeter(cloudwatch.NewFromConfig(cfg), env["GATEHOUSE_ENVIRONMENT"], time.Now()),
		trail:   &actors.Trail{Table: dynamodb.NewFromConfig(cfg), Name: env["AUDIT_TABLE"]},
		cast:    newCast(cognito.NewFromConfig(cfg), cfg, env),
		limit:   limit,
	}
	if err := s.play(ctx, acts()); err != nil {
		return err
	}
	p.next(dir, s.cast.person.Sub, env)
	return nil
}

// required are the variables that the demo reads.
func required() []string {
	return []string{
		"API_URL", "AUDIT_TABLE", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
		"CLIENT_EVENTS_GUEST_QUEUE_URL", "GATEHOUSE_ENVIRONMENT", "HOSTED_UI_URL", "IDENTITY_POOL_ID",
		"MACHINE_CLIENT_ID", "MACHINE_CLIENT_SECRET", "NATIVE_CLIENT_ID", "TOPIC_ARN", "USER_POOL_ID",
	}
}
