package events

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
)

// longestWait is how long a queue keeps an event.
const longestWait = 14 * 24 * time.Hour

func findCommand(environment *string) *cobra.Command {
	var since time.Duration
	var day string
	cmd := &cobra.Command{
		Use:   "find ID",
		Short: "Say where an event is: log, outbox, dead letters, ledger, audit row",
		Long: `Looks for an event by its id: in the log lines of all functions, in the outbox, in the
dead-letter queues, in the ledger and in the audit table, and says where it is now and what
to do next. If the event itself was not found, it reads the audit table's rows of the days
of the log lines, of today, yesterday and --day. It reads the audit table with your own
credentials, and everything else as the role
gatehouse-{environment}-user-events-operator, which you must be allowed to assume.`,
		Example: "  gatehouse events find 9a1c8a52-3f0e-4a6f-9d0b-0c9f1f0f7a11",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if since <= 0 {
				return errors.New("--since must be positive, such as 24h")
			}
			if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
				return errors.New("--day takes a date such as 2026-11-22")
			}
			f, err := newFinder(cmd.Context(), *environment)
			if err != nil {
				return err
			}
			f.out = cmd.OutOrStdout()
			return actors.Hint(f.find(cmd.Context(), args[0], since, day))
		},
	}
	cmd.Flags().DurationVar(&since, "since", longestWait, "how far back to read the logs")
	cmd.Flags().StringVar(&day, "day", "", "also read this day of the audit table, YYYY-MM-DD in UTC")
	return cmd
}

func newFinder(ctx context.Context, environment string) (*finder, error) {
	own, env, err := connect(ctx, environment)
	if err != nil {
		return nil, err
	}
	cfg, err := asOperator(ctx, own, sts.NewFromConfig(own), env)
	if err != nil {
		return nil, actors.Hint(err)
	}
	client, dlqs, err := deadLetterQueues(ctx, cfg, env)
	if err != nil {
		return nil, err
	}
	url, ledger, err := outboxAndLedger(ctx, cfg, env)
	if err != nil {
		return nil, err
	}
	f := &finder{
		environment: env, logs: cloudwatchlogs.NewFromConfig(cfg), client: client, outbox: url, dead: dlqs, ledger: ledger,
		audit: &auditTable{cfg: own, environment: env}, now: time.Now,
	}
	f.poolARN, err = actors.Parameter(ctx, cfg, env, "platform", "user-pool-arn")
	return f, err
}

// auditTable reads the audit table of an environment.
type auditTable struct {
	cfg         aws.Config
	environment string
}

func (a *auditTable) rows(ctx context.Context, id string, ev *event.Event, days []string) ([]actors.Row, error) {
	name, err := actors.Parameter(ctx, a.cfg, a.environment, "signin-audit", "audit-table-name")
	if err != nil {
		return nil, err
	}
	trail := &actors.Trail{Table: dynamodb.NewFromConfig(a.cfg), Name: name}
	if ev != nil {
		return trail.Find(ctx, *ev)
	}
	return trail.On(ctx, days, id)
}
