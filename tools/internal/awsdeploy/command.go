// Package awsdeploy is `gatehouse aws`: the same stacks as on a laptop, in an AWS
// account, in the order that their templates give.
//
// It shows before it does: the account, what was found missing there, what each
// stack would change. And it takes down what it has put up without a pool being
// left behind whose sign-ins fail.
package awsdeploy

import (
	"github.com/spf13/cobra"

	"gatehouse.example/tools/internal/awsdeploy/target"
)

// options are the flags of all commands.
type options struct {
	target.Options
	venv string
}

// Command is `gatehouse aws` with everything below it.
func Command() *cobra.Command {
	o := &options{}
	cmd := &cobra.Command{
		Use:   "aws",
		Short: "Deploy to an AWS account, look at it before, take it down again",
		Long: `Works on the account of the shell: AWS_PROFILE, or whatever else the AWS SDK finds.
docs/deploy-aws.md tells the whole way.`,
		Args: cobra.NoArgs,
	}
	set := cmd.PersistentFlags()
	set.StringVar(&o.Environment, "environment", "", "dev, test or production (needed)")
	set.StringVar(&o.Region, "region", "", "region (default: the shell's)")
	set.BoolVar(&o.Emulator, "emulator", false, "rehearse on the emulator at $AWS_ENDPOINT_URL instead of AWS")
	set.StringVar(&o.venv, "venv", "", "virtualenv of the SAM CLI (default .local/venv in the repository)")
	cmd.AddCommand(o.check(), o.deploy(), o.destroy())
	return cmd
}

func (o *options) check() *cobra.Command {
	return &cobra.Command{
		Use: "check [SERVICE...]", Short: "Say what is missing in the account; change nothing",
		Example: "  gatehouse aws check --environment dev",
		RunE: func(cmd *cobra.Command, services []string) error {
			s, err := open(cmd.Context(), *o, services)
			if err != nil {
				return err
			}
			return s.check(cmd.Context())
		},
	}
}

func (o *options) deploy() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "deploy [SERVICE...]", Short: "Check, show a plan, ask, and deploy the named stacks, or all",
		Example: "  gatehouse aws deploy --environment dev\n  gatehouse aws deploy --environment test signup-guard --yes",
		RunE: func(cmd *cobra.Command, services []string) error {
			s, err := open(cmd.Context(), *o, services)
			if err != nil {
				return err
			}
			return s.deploy(cmd.Context(), yes)
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

func (o *options) destroy() *cobra.Command {
	var yes string
	cmd := &cobra.Command{
		Use: "destroy [SERVICE...]", Short: "Show what goes, what stays and what that costs, ask, and delete the named stacks, or all",
		Long: `Deletes the stacks in the reverse order. Users, evidence and keys are kept on purpose;
the command lists them, with what they cost and how to delete them by hand. It refuses
to delete what a user pool still calls, or what another stack still reads.`,
		Example: "  gatehouse aws destroy --environment dev\n  gatehouse aws destroy --environment test --yes test",
		RunE: func(cmd *cobra.Command, services []string) error {
			s, err := open(cmd.Context(), *o, services)
			if err != nil {
				return err
			}
			return s.destroy(cmd.Context(), yes)
		},
	}
	cmd.Flags().StringVar(&yes, "yes", "", "do not ask; takes the environment's name, so that no habit deletes the wrong one")
	return cmd
}
