// Package audit is `gatehouse audit`, `gatehouse findings` and `gatehouse records`: it shows
// rows of the audit table of signin-audit, the findings in them, and what records of
// CloudTrail become, to an operator who may query the table.
//
// It queries and never scans, so its cost depends on the answer and not on the size
// of the table.
package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
)

var typeNames = regexp.MustCompile(`^[a-z0-9.]+$`)

// options are the flags of `gatehouse audit show`.
type options struct {
	user, day, typ     string
	limit              int
	json               bool
	table, environment string
}

// Command is `gatehouse audit`.
func Command() *cobra.Command {
	cmd := &cobra.Command{Use: "audit", Short: "Read the audit trail", Args: cobra.NoArgs}
	cmd.AddCommand(showCommand())
	return cmd
}

func showCommand() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show the newest rows of the audit table: of a user, or of a day",
		Long: `Shows the newest rows of the audit table, oldest first. With --user, the rows of
that user; otherwise those of one day (--day, by default today in UTC).

The table is --table, or that of --environment, or $AUDIT_TABLE, or that of
$GATEHOUSE_ENVIRONMENT, in this order. Locally, 'source .local/env' sets what is needed.`,
		Example: `  gatehouse audit show
  gatehouse audit show --user b1e7c2a0-5a2f-4f0e-9f58-1c2d3e4f5a6b --json
  gatehouse audit show --day 2026-11-22 --type user.signin.attempted --limit 10`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			now := time.Now()
			if err := o.check(now); err != nil {
				return err
			}
			return run(cmd.Context(), cmd.OutOrStdout(), o, now)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.user, "user", "", "only rows of this user (the sub)")
	f.StringVar(&o.day, "day", "", "only rows of this day, YYYY-MM-DD in UTC (default today, or any day with --user)")
	f.StringVar(&o.typ, "type", "", "only rows of this type, such as user.signin.attempted")
	f.IntVar(&o.limit, "limit", 50, "how many rows at most; 0 for all")
	f.BoolVar(&o.json, "json", false, "one JSON object per line")
	f.StringVar(&o.table, "table", "", "name of the audit table")
	f.StringVar(&o.environment, "environment", "", "environment of the table: local, dev, test or production")
	return cmd
}

// check validates the flags and fills in the day.
func (o *options) check(now time.Time) error {
	if o.limit < 0 {
		return errors.New("--limit must not be negative")
	}
	if o.typ != "" && !typeNames.MatchString(o.typ) {
		return errors.New("--type takes a name such as user.signin.attempted")
	}
	if o.day == "" && o.user == "" {
		o.day = now.UTC().Format(time.DateOnly)
	}
	if o.day != "" {
		if _, err := time.Parse(time.DateOnly, o.day); err != nil {
			return fmt.Errorf("--day takes a date such as 2026-11-22, not %q", o.day)
		}
	}
	return nil
}

func run(ctx context.Context, out io.Writer, o options, now time.Time) error {
	cfg, err := actors.Connect(ctx)
	if err != nil {
		return err
	}
	table, err := tableName(ctx, cfg, o.table, o.environment, os.Getenv)
	if err != nil {
		return err
	}
	r := reader{client: dynamodb.NewFromConfig(cfg), table: table, now: now}
	rows, err := r.read(ctx, o)
	if err != nil {
		return hint(err)
	}
	return listing(rows).Print(out, o.json)
}

// tableName is the audit table's: table, that of the environment, or that of the shell, in
// the order in the command's help.
func tableName(ctx context.Context, cfg aws.Config, table, environment string, getenv func(string) string) (string, error) {
	if table != "" {
		return table, nil
	}
	if environment == "" {
		if name := getenv("AUDIT_TABLE"); name != "" {
			return name, nil
		}
		environment = getenv("GATEHOUSE_ENVIRONMENT")
	}
	if environment == "" {
		return "", errors.New("no table; run 'source .local/env', or give --environment or --table")
	}
	return actors.Parameter(ctx, cfg, environment, "signin-audit", "audit-table-name")
}

// hint adds what to do next to the errors that have one remedy.
func hint(err error) error {
	var missing *types.ResourceNotFoundException
	if errors.As(err, &missing) {
		return fmt.Errorf("the table does not exist; run 'source .local/env' again, or give --environment: %w", err)
	}
	return actors.Hint(err)
}
