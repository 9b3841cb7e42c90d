package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"gatehouse.example/services/signin-audit/findings"
	"gatehouse.example/tools/actors"
)

// FindingsCommand is `gatehouse findings`: it tries the rules of findings on past events,
// lists what was published, and has the function evaluate the time of an outage. It
// evaluates the code of this checkout, so that a rule or a threshold can be tried before it
// is deployed.
func FindingsCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "findings", Short: "Try, list and announce findings", Args: cobra.NoArgs}
	cmd.AddCommand(tryCommand(), listCommand(), announceCommand())
	return cmd
}

// findingsOptions are the flags that the commands about findings share.
type findingsOptions struct {
	from, to, rule     string
	table, environment string
	json               bool
	settings           map[string]*string
}

// flags adds those for reading the table.
func (o *findingsOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	o.period(cmd)
	f.StringVar(&o.rule, "rule", "", "only this rule, such as failures-then-success")
	f.BoolVar(&o.json, "json", false, "one JSON object per line")
	f.StringVar(&o.table, "table", "", "name of the audit table")
}

func (o *findingsOptions) period(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.from, "from", "", "a time such as 2026-11-22T17:00:00Z, or a day (default a day before --to)")
	f.StringVar(&o.to, "to", "", "a time, or a day (default now)")
	f.StringVar(&o.environment, "environment", "", "local, dev, test or production")
}

const tableHelp = `
The table is --table, or that of --environment, or $AUDIT_TABLE, or that of
$GATEHOUSE_ENVIRONMENT, in this order. Locally, 'source .local/env' sets what is needed.`

func tryCommand() *cobra.Command {
	o := findingsOptions{settings: map[string]*string{}}
	cmd := &cobra.Command{
		Use:   "try",
		Short: "Evaluate the rules on past events; nothing is published",
		Long: `Evaluates the rules of findings on past events and shows what they find. Nothing is
published or stored. The thresholds are those of the environment, or the defaults if it
has none; flags change them.
` + tableHelp,
		Example: `  gatehouse findings try
  gatehouse findings try --rule failures-then-success --failures 5 --from 2026-11-01
  gatehouse findings try --environment production --allowed-networks 192.0.2.0/24 --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.try(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr(), time.Now(), cmd.Flags().Changed)
		},
	}
	o.flags(cmd)
	for _, s := range findings.All() {
		o.settings[s.Name] = cmd.Flags().String(s.Flag, s.Default, s.Says)
	}
	return cmd
}

func listCommand() *cobra.Command {
	var o findingsOptions
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show the findings that were published, oldest first",
		Long:  "Shows the findings that were published, oldest first. A finding is an audit row.\n" + tableHelp,
		Example: `  gatehouse findings list
  gatehouse findings list --from 2026-11-01 --rule accounts-held-locked --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.list(cmd.Context(), cmd.OutOrStdout(), time.Now())
		},
	}
	o.flags(cmd)
	return cmd
}

func announceCommand() *cobra.Command {
	var o findingsOptions
	cmd := &cobra.Command{
		Use:   "announce",
		Short: "Have the function evaluate past events and publish what it finds",
		Long: `Calls the environment's function for a past period, after an outage of more than an hour.
The function publishes what it finds, and does not publish a finding again.`,
		Example: `  gatehouse findings announce --environment production --from 2026-11-22T03:00:00Z --to 2026-11-22T09:00:00Z`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return o.announce(cmd.Context(), cmd.OutOrStdout(), time.Now())
		},
	}
	o.period(cmd)
	return cmd
}

// part is the period that the flags name.
func (o *findingsOptions) part(now time.Time) (from, to time.Time, err error) {
	if to = now.UTC(); o.to != "" {
		if to, err = moment(o.to); err != nil {
			return from, to, errors.New("--to takes a time such as 2026-11-22T17:00:00Z, or a day")
		}
	}
	if from = to.Add(-24 * time.Hour); o.from != "" {
		if from, err = moment(o.from); err != nil {
			return from, to, errors.New("--from takes a time such as 2026-11-22T17:00:00Z, or a day")
		}
	}
	if !from.Before(to) {
		return from, to, errors.New("--from is not before --to")
	}
	return from, to, nil
}

func moment(text string) (time.Time, error) {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		at, err = time.Parse(time.DateOnly, text)
	}
	if err != nil {
		return at, fmt.Errorf("time.Parse: %w", err)
	}
	return at.UTC(), nil
}

// connect finds the table.
func (o *findingsOptions) connect(ctx context.Context) (aws.Config, *findings.Table, error) {
	cfg, err := actors.Connect(ctx)
	if err != nil {
		return cfg, nil, err
	}
	name, err := tableName(ctx, cfg, o.table, o.environment, os.Getenv)
	if err != nil {
		return cfg, nil, err
	}
	return cfg, &findings.Table{Client: dynamodb.NewFromConfig(cfg), Name: name, Now: time.Now, Max: findings.MaxRows}, nil
}

func (o *findingsOptions) try(ctx context.Context, out, progress io.Writer, now time.Time, changed func(string) bool) error {
	from, to, err := o.part(now)
	if err != nil {
		return err
	}
	cfg, table, err := o.connect(ctx)
	if err != nil {
		return err
	}
	settings, err := deployed(ctx, cfg, o.environment, os.Getenv)
	if err != nil {
		return err
	}
	for _, s := range findings.All() {
		if changed(s.Flag) {
			if err := settings.Set(s.Name, *o.settings[s.Name]); err != nil {
				return fmt.Errorf("--%s: %w", s.Flag, err)
			}
		}
	}
	rules, err := findings.Pick(settings.Rules(), o.rule)
	if err != nil {
		return fmt.Errorf("--rule: %w", err)
	}
	found, err := evaluate(ctx, table, rules, from, to, progress)
	if err != nil {
		return hint(err)
	}
	return printFindings(out, found, o.json)
}

func (o *findingsOptions) announce(ctx context.Context, out io.Writer, now time.Time) error {
	from, to, err := o.part(now)
	if err != nil {
		return err
	}
	if o.from == "" || o.environment == "" {
		return errors.New("--environment and --from are required: everything that is found is published")
	}
	cfg, err := actors.Connect(ctx)
	if err != nil {
		return err
	}
	return call(ctx, lambda.NewFromConfig(cfg), "gatehouse-"+o.environment+"-signin-audit-findings", from, to, out)
}
