// Package canary is `gatehouse canary`: a synthetic user signs up and in in a
// deployed environment, and the canary waits for every event, audit row and metric
// that this has to cause.
//
// It exists because a deployment without traffic looks healthy whatever it broke.
// It uses the APIs of people and of other teams only, so that it runs on AWS as it
// runs locally, and what it causes is marked synthetic (docs/adr/0017).
package canary

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
)

// options are the flags.
type options struct {
	environment, junit string
	timeout            time.Duration
}

// Command is `gatehouse canary`.
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "canary",
		Short: "Sign a synthetic user up and in, and check that every event, row and metric arrives",
		Long: `Signs up a synthetic user, confirms the account, enters a wrong password, signs in,
calls the API, and waits for every event, audit row and metric that this has to cause.
The user, a queue and its subscription are deleted at the end, also after a failure or
Ctrl-C. What a crash left behind is deleted by the first run at least an hour later.

It uses the AWS configuration of the shell, on AWS as it does locally. What it causes is
marked synthetic and counted by the metric SyntheticEvents only.`,
		Example: `  . .local/env && gatehouse canary
  gatehouse canary --environment production --junit build/reports/canary.xml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.environment == "" {
				o.environment = os.Getenv("GATEHOUSE_ENVIRONMENT")
			}
			if o.environment == "" {
				return errors.New("no environment; run 'source .local/env', or give --environment")
			}
			if o.timeout <= 0 {
				return errors.New("--timeout must be positive, such as 5m")
			}
			return run(cmd, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.environment, "environment", "", "local, dev, test or production (default $GATEHOUSE_ENVIRONMENT)")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long the run may take before the clean-up; CloudWatch needs minutes on AWS")
	f.StringVar(&o.junit, "junit", "", "also write the steps to this file, as JUnit XML")
	return cmd
}

func run(cmd *cobra.Command, o options) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), o.timeout)
	defer cancel()
	r := newReport(cmd.OutOrStdout(), o.environment)
	c := &canary{report: r, id: actors.NewID(time.Now()), started: time.Now(), timeout: o.timeout}
	if r.step(ctx, "names", func(ctx context.Context) (string, error) {
		cfg, err := actors.Connect(ctx)
		if err != nil {
			return "", err
		}
		n, err := readNames(ctx, cfg, o.environment)
		if err != nil {
			return "", err
		}
		c.connect(cfg, n)
		return "of the stacks, in SSM", nil
	}) {
		c.walk(ctx)
	}
	if o.junit != "" {
		if err := r.writeJUnit(o.junit); err != nil {
			return fmt.Errorf("report.writeJUnit: %w", err)
		}
	}
	// An interruption is not a failed step.
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	return r.summary()
}
