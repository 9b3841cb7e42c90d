package events

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
)

func recoverCommand(environment *string) *cobra.Command {
	var o RecoverOptions
	cmd := &cobra.Command{
		Use:   "recover",
		Short: "Send the events that are only in the log",
		Long: `Looks through the environment's log groups for events that neither the topic nor the
outbox accepted, and puts those that have not arrived into the outbox, from which drain
publishes them. The ledger notes what was sent, so that the next run does not send it again.
When nothing is left it closes the alarm, which stays in ALARM until then. It acts as the
role gatehouse-{environment}-user-events-operator, which you must be allowed to assume.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.Since < 0 {
				return errors.New("--since must not be negative")
			}
			cfg, env, err := connectOperator(cmd.Context(), *environment)
			if err != nil {
				return err
			}
			r, err := newRecoverer(cmd.Context(), cfg, env, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			return actors.Hint(r.Recover(cmd.Context(), o))
		},
	}
	f := cmd.Flags()
	f.DurationVar(&o.Since, "since", 0, "how far to look back, such as 24h; 0 is as long as the logs are kept, and needed to close the alarm")
	f.BoolVar(&o.DryRun, "dry-run", false, "only say what would be sent, and what has arrived")
	f.BoolVar(&o.Again, "again", false, "send also what was sent before or has arrived; asks no ledger")
	f.BoolVar(&o.IgnoreUnreadable, "ignore-unreadable", false, "close the alarm although lines have no valid event")
	return cmd
}

func newRecoverer(ctx context.Context, cfg aws.Config, env string, out io.Writer) (*Recoverer, error) {
	url, ledger, err := outboxAndLedger(ctx, cfg, env)
	if err != nil {
		return nil, err
	}
	return &Recoverer{
		Environment: env, Logs: cloudwatchlogs.NewFromConfig(cfg), Outbox: sqs.NewFromConfig(cfg), OutboxURL: url,
		Ledger: ledger, Metrics: cloudwatch.NewFromConfig(cfg), Out: out, Now: time.Now,
	}, nil
}

// outboxAndLedger finds the URL of the environment's outbox, and its ledger.
func outboxAndLedger(ctx context.Context, cfg aws.Config, env string) (url string, ledger *Ledger, err error) {
	if url, err = actors.Parameter(ctx, cfg, env, "user-events", "outbox-url"); err != nil {
		return "", nil, err
	}
	name, err := actors.Parameter(ctx, cfg, env, "user-events", "ledger-table-name")
	if err != nil {
		return "", nil, err
	}
	return url, &Ledger{Table: dynamodb.NewFromConfig(cfg), Name: name, Now: time.Now}, nil
}
