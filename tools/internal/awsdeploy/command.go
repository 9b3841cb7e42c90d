// Package awsdeploy is `gatehouse aws`: it deploys the stacks of the repository to
// an AWS account, in the order that their templates give.
//
// It first shows the account, what is missing in it and what each stack would
// change. It also deletes the stacks again, and never leaves a user pool that
// calls a deleted function, because all its sign-ins would fail.
package awsdeploy

import (
	"context"
	"io"

	"github.com/spf13/cobra"
)

type options struct {
	environment, region, venv string
	// emulator confirms that the shell's endpoint is an emulator's.
	emulator bool
}

// Command is `gatehouse aws` with its subcommands.
func Command() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "aws",
		Short: "Check an AWS account, deploy to it, delete the stacks again",
		Long: `Works on the account of the shell: AWS_PROFILE, or whatever else the AWS SDK finds.
docs/deploy-aws.md describes every step.`,
		Args: cobra.NoArgs,
	}
	set := cmd.PersistentFlags()
	set.StringVar(&o.environment, "environment", "", "dev, test or production (required)")
	set.StringVar(&o.region, "region", "", "region (default: the shell's)")
	set.BoolVar(&o.emulator, "emulator", false, "rehearse on the emulator at $AWS_ENDPOINT_URL instead of AWS")
	set.StringVar(&o.venv, "venv", "", "virtualenv of the SAM CLI (default .local/venv in the repository)")
	cmd.AddCommand(o.check(), o.deploy(), o.destroy(), o.deleteRetained())
	return cmd
}

// with makes a command's function of one that works in a session.
func (o *options) with(do func(*session, context.Context) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, services []string) error {
		s, err := open(cmd.Context(), *o, services)
		if err != nil {
			return err
		}
		err = do(s, cmd.Context())
		if err != nil && o.region != "" {
			return regionalError{err, o.region}
		}
		return err
	}
}

// output is where to print texts with commands.
func (o options) output(to io.Writer) io.Writer {
	if o.region == "" {
		return to // the reader's shell has the region
	}
	return regional{to, o.region}
}

func (o *options) check() *cobra.Command {
	return &cobra.Command{
		Use: "check [SERVICE...]", Short: "Show what is missing in the account; change nothing",
		Example: "  gatehouse aws check --environment dev",
		RunE:    o.with((*session).check),
	}
}

func (o *options) deploy() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "deploy [SERVICE...]", Short: "Check, show a plan, ask, and deploy the named stacks, or all",
		Example: "  gatehouse aws deploy --environment dev\n  gatehouse aws deploy --environment test signup-guard --yes",
		RunE:    o.with(func(s *session, ctx context.Context) error { return s.deploy(ctx, yes) }),
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (o *options) destroy() *cobra.Command {
	var yes string
	cmd := &cobra.Command{
		Use: "destroy [SERVICE...]", Short: "Show what is deleted and what is retained, ask, and delete the named stacks, or all",
		Long: `Deletes the stacks in the reverse order. Users, audit records and keys are retained on
purpose. The command lists them, with what AWS charges for and how to delete them by hand.
It refuses to delete what a user pool still calls, or what another stack still reads.`,
		Example: "  gatehouse aws destroy --environment dev\n  gatehouse aws destroy --environment test --yes test",
		RunE:    o.with(func(s *session, ctx context.Context) error { return s.destroy(ctx, yes) }),
	}
	cmd.Flags().StringVar(&yes, "yes", "", "do not ask; the value is the environment's name")
	return cmd
}

func (o *options) deleteRetained() *cobra.Command {
	var yes string
	cmd := &cobra.Command{
		Use: "delete-retained ID...", Short: "Ask, and delete retained pools, tables and keys that belong to no stack",
		Long: `Deletes what a teardown or a failed creation retained, with all its data. 'gatehouse aws
check' and 'gatehouse aws destroy' list the ids. The command refuses what belongs to a stack.`,
		Example: "  gatehouse aws delete-retained --environment dev eu-central-1_Example01",
		Args:    cobra.MinimumNArgs(1),
	}
	cmd.RunE = func(cmd *cobra.Command, ids []string) error {
		return o.with(func(s *session, ctx context.Context) error { return s.deleteRetained(ctx, ids, yes) })(cmd, nil)
	}
	cmd.Flags().StringVar(&yes, "yes", "", "do not ask; the value is the environment's name")
	return cmd
}
