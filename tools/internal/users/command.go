// Package users is `gatehouse users`: it imports people into a pool or into the table of
// services/migration, exports a pool, moves people between pools, and forecasts when the
// trigger of a migration can go.
//
// Nothing of a person is printed: a problem names a line, and a file is where addresses are.
package users

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
)

// Command is `gatehouse users`.
func Command() *cobra.Command {
	cmd := &cobra.Command{Use: "users", Short: "Import, export and move people, and forecast a migration", Args: cobra.NoArgs}
	cmd.AddCommand(exportCommand(), forecastCommand(), importCommand(), moveCommand())
	return cmd
}

// command makes a command that talks to Cognito.
func command(use, short, long, example string, do func(*cobra.Command, aws.Config) error) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Long: long, Example: example, Args: cobra.NoArgs, RunE: func(cmd *cobra.Command, _ []string) error {
		cfg, err := actors.Connect(cmd.Context())
		if err != nil {
			return err
		}
		return actors.Hint(do(cmd, cfg))
	}}
}

type importing struct {
	file, into, pool, environment, state string
	perSecond                            int
	checkOnly                            bool
}

func importCommand() *cobra.Command {
	o := &importing{}
	cmd := command("import --file FILE --into pool|table", "Import people from a file", `Imports people from a file of CSV (columns email, email_verified, hash and attributes) or
of JSON lines (address, emailVerified, hash, attributes). The whole file is checked first,
and nothing is imported if a line has a problem.

--into table writes hashes of passwords into the table of services/migration: people come
in with their old passwords. --into pool creates users in a pool, with passwords that nobody
knows: people set a new one by 'forgot password', so each address must be verified. Nobody
gets a mail.

An import that was interrupted continues with the same command, from its state file.`,
		`  gatehouse users import --file people.csv --into table --environment dev
  gatehouse users import --file people.jsonl --into pool --user-pool-id eu-central-1_AbCdEfGhI --check`, o.run)
	f := cmd.Flags()
	f.StringVar(&o.file, "file", "", "file of people")
	f.StringVar(&o.into, "into", "", "pool or table")
	f.StringVar(&o.pool, "user-pool-id", "", "the user pool, for --into pool")
	f.StringVar(&o.environment, "environment", "", "environment whose table is meant: local, dev, test or production")
	f.StringVar(&o.state, "state", "", "file to continue from (default FILE.state)")
	f.IntVar(&o.perSecond, "per-second", 10, "people in a second; Cognito's quota of created users is 50")
	f.BoolVar(&o.checkOnly, "check", false, "only check the file")
	return cmd
}

func (o *importing) run(cmd *cobra.Command, cfg aws.Config) error {
	if o.file == "" || o.into != "pool" && o.into != "table" || (o.into == "pool") != (o.pool != "") || o.perSecond < 1 {
		return errors.New("which people, and where to? --file FILE --into table, or --file FILE --into pool --user-pool-id POOL")
	}
	ctx := cmd.Context()
	take, place, schema, err := o.target(ctx, cfg)
	if err != nil {
		return err
	}
	people, problems, err := readPeople(o.file)
	if err != nil {
		return fmt.Errorf("%s: %w", o.file, err)
	}
	if err := report(cmd.ErrOrStderr(), o.file, append(problems, check(people, schema, o.into == "table")...)); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%d people, no problems\n", len(people))
	if o.checkOnly {
		return nil
	}
	if o.state == "" {
		o.state = o.file + ".state"
	}
	at, err := loadProgress(o.state, o.file, place)
	if err != nil {
		return fmt.Errorf("%s: %w", o.state, err)
	}
	n, err := run(ctx, people, take, at, o.state, time.Second/time.Duration(o.perSecond))
	n.print(cmd.OutOrStdout(), "the "+o.into)
	return err
}

// target is where people go, its name, and the attributes that it allows.
func (o *importing) target(ctx context.Context, cfg aws.Config) (taker, string, []types.SchemaAttributeType, error) {
	c := cognito.NewFromConfig(cfg)
	if o.into == "pool" {
		out, err := c.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &o.pool})
		if err != nil {
			return nil, "", nil, fmt.Errorf("cognito.DescribeUserPool: %w", err)
		}
		return intoPool(c, o.pool), o.pool, out.UserPool.SchemaAttributes, nil
	}
	environment, err := actors.Environment(o.environment)
	if err != nil {
		return nil, "", nil, err
	}
	stack := "gatehouse-" + environment + "-migration"
	out, err := cloudformation.NewFromConfig(cfg).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil || len(out.Stacks) != 1 {
		return nil, "", nil, fmt.Errorf("cloudformation.DescribeStacks: %s: %w", stack, err)
	}
	for _, output := range out.Stacks[0].Outputs {
		if aws.ToString(output.OutputKey) == "TableName" {
			name := aws.ToString(output.OutputValue)
			return intoTable(dynamodb.NewFromConfig(cfg), name), name, nil, nil
		}
	}
	return nil, "", nil, fmt.Errorf("%s has no table", stack)
}

func exportCommand() *cobra.Command {
	var pool, file string
	cmd := command("export --user-pool-id POOL --file FILE", "Export the users of a pool", `Writes the users of a pool to a new file of JSON lines, which only you can read.
`+notHeld, `  gatehouse users export --user-pool-id eu-central-1_AbCdEfGhI --file users.jsonl`, func(cmd *cobra.Command, cfg aws.Config) error {
		if pool == "" || file == "" {
			return errors.New("which pool, and which file? --user-pool-id POOL --file FILE")
		}
		n, err := exportTo(cmd.Context(), cognito.NewFromConfig(cfg), pool, file, listPause)
		if err != nil {
			return err
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%d users in %s\n%s\n", n, file, notHeld)
		return nil
	})
	cmd.Flags().StringVar(&pool, "user-pool-id", "", "the user pool")
	cmd.Flags().StringVar(&file, "file", "", "new file")
	return cmd
}

func forecastCommand() *cobra.Command {
	var pool, file string
	cmd := command("forecast --file FILE --user-pool-id POOL", "Say how many people have come, and when the trigger can go", `Compares a file of people, such as the one that was imported into the table, with the users
of a pool: how many of how many are in, how many came in the last two weeks, how many more
are going to come, and when the trigger of the migration can go.`,
		`  gatehouse users forecast --file people.csv --user-pool-id eu-central-1_AbCdEfGhI`, func(cmd *cobra.Command, cfg aws.Config) error {
			if pool == "" || file == "" {
				return errors.New("which people, and which pool? --file FILE --user-pool-id POOL")
			}
			people, problems, err := readPeople(file)
			if err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			if err := report(cmd.ErrOrStderr(), file, problems); err != nil {
				return err
			}
			a, err := arrivalsOf(cmd.Context(), cognito.NewFromConfig(cfg), pool, people, listPause)
			if err != nil {
				return err
			}
			forecast(a, time.Now()).print(cmd.OutOrStdout())
			return nil
		})
	cmd.Flags().StringVar(&pool, "user-pool-id", "", "the user pool")
	cmd.Flags().StringVar(&file, "file", "", "file of people")
	return cmd
}

func moveCommand() *cobra.Command {
	var from, to string
	var create bool
	cmd := command("move --from POOL --to POOL", "Move people from one pool to another", `Says how many people of one pool are in another one, and how many of those have come since.
With --create it creates those that are missing, with passwords that nobody knows: no pool
gives its passwords to another. They set a new one by 'forgot password'. Users without a
verified address cannot be moved. The old pool is not changed.`,
		`  gatehouse users move --from eu-central-1_AbCdEfGhI --to eu-central-1_ZyXwVuTsR
  gatehouse users move --from eu-central-1_AbCdEfGhI --to eu-central-1_ZyXwVuTsR --create`, func(cmd *cobra.Command, cfg aws.Config) error {
			if from == "" || to == "" || strings.EqualFold(from, to) {
				return errors.New("from which pool to which other one? --from POOL --to POOL")
			}
			return move(cmd, cognito.NewFromConfig(cfg), from, to, create)
		})
	cmd.Flags().StringVar(&from, "from", "", "the old pool")
	cmd.Flags().StringVar(&to, "to", "", "the new pool")
	cmd.Flags().BoolVar(&create, "create", false, "create the users that are missing")
	return cmd
}

// move needs no state: whoever was created is no longer missing.
func move(cmd *cobra.Command, c pool, from, to string, create bool) error {
	s, err := standingOf(cmd.Context(), c, from, to, listPause)
	if err != nil {
		return err
	}
	s.print(cmd.OutOrStdout())
	if !create {
		return nil
	}
	out, err := c.DescribeUserPool(cmd.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &to})
	if err != nil {
		return failure("DescribeUserPool", err)
	}
	if err := report(cmd.ErrOrStderr(), from, check(s.missing, out.UserPool.SchemaAttributes, false)); err != nil {
		return err
	}
	take, n := intoPool(c, to), counted{}
	ticks := time.NewTicker(time.Second / 10)
	defer ticks.Stop()
	for _, p := range s.missing {
		if _, err := take(cmd.Context(), p, true); err != nil {
			return fmt.Errorf("after %d people: %w; the same command continues here", n.taken, err)
		}
		n.taken++
		<-ticks.C
	}
	n.print(cmd.OutOrStdout(), to)
	return nil
}
