package drift

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/terminal"
)

// attempts is how often a call is tried. AWS mainly throttles reads of IAM.
const attempts = 10

// options are the flags of `gatehouse drift`.
type options struct {
	environment         string
	repair, yes, denies bool
}

// Command is `gatehouse drift`.
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "drift [SERVICE]",
		Short: "Show what was changed by hand since the deployment, and set it back",
		Long: `Compares what is deployed with the templates that were deployed: the policies of roles,
the permissions of functions, their settings and aliases, event source mappings, queues,
topics, their policies and subscriptions, the user pool's triggers, keys, rules with
their targets, and alarms. It prints a line for each difference and fails if there is
one.

With --repair it shows the calls that set each one back, asks, makes them, and compares
again. A new deployment would not: CloudFormation compares templates only. A Deny that
somebody added, perhaps to stop an attack, is removed with --remove-denies only.

It uses the AWS configuration of the shell, on AWS as it does locally.`,
		Example: `  gatehouse drift --environment production
  gatehouse drift --environment production signin-audit --repair`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := open(cmd.Context(), o.environment, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			if e.stacks, err = e.loaded(cmd.Context()); err != nil {
				return actors.Hint(err)
			}
			chosen, err := choose(e.stacks, args)
			if err != nil {
				return err
			}
			return e.drift(cmd.Context(), chosen, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.environment, "environment", "", "local, dev, test or production (default $GATEHOUSE_ENVIRONMENT)")
	f.BoolVar(&o.repair, "repair", false, "set everything back, after a question")
	f.BoolVar(&o.yes, "yes", false, "do not ask")
	f.BoolVar(&o.denies, "remove-denies", false, "also remove each Deny that was added by hand")
	return cmd
}

// environment is a deployed environment and the clients that read it.
type environment struct {
	name, region string
	out          io.Writer
	in           io.Reader
	// terminal reports that a person can answer a question.
	terminal bool

	// loaded reads the environment's stacks.
	loaded func(context.Context) ([]*stack, error)
	stacks []*stack
	// kinds are the comparisons by type. They need the stacks' permissions.
	kinds func(stacks []*stack) map[string]kind

	aliases  permissionAPI
	mappings mappingAPI
	queues   queueAPI
	pool     poolAPI
	keys     keyAPI
	alarms   alarmAPI
}

// open connects to an environment.
func open(ctx context.Context, name string, out io.Writer) (*environment, error) {
	name, err := actors.Environment(name)
	if err != nil {
		return nil, err
	}
	cfg, err := actors.Connect(ctx, config.WithRetryMaxAttempts(attempts))
	if err != nil {
		return nil, err
	}
	return newEnvironment(cfg, name, out), nil
}

func newEnvironment(cfg aws.Config, name string, out io.Writer) *environment {
	functionsAPI, roleAPI := lambda.NewFromConfig(cfg), iam.NewFromConfig(cfg)
	e := &environment{
		name: name, region: cfg.Region, out: out, in: os.Stdin, terminal: terminal.Is(os.Stdin),
		aliases: functionsAPI, mappings: functionsAPI, queues: sqs.NewFromConfig(cfg), pool: cognito.NewFromConfig(cfg),
		keys: kms.NewFromConfig(cfg), alarms: cloudwatch.NewFromConfig(cfg),
	}
	topicsAPI, events := sns.NewFromConfig(cfg), eventbridge.NewFromConfig(cfg)
	e.kinds = func(stacks []*stack) map[string]kind {
		known := newGranted(stacks)
		return map[string]kind{
			"AWS::IAM::Role": roles{roleAPI}, permissionType: permissions{functionsAPI}, mappingType: mappings{functionsAPI},
			"AWS::Lambda::Function": functions{functionsAPI, functionsAPI, known}, "AWS::Lambda::Alias": aliases{functionsAPI, functionsAPI, known},
			queueType: queues{e.queues}, "AWS::SQS::QueuePolicy": queuePolicies{e.queues},
			"AWS::SNS::Topic": topics{topicsAPI, dropped(stacks)}, "AWS::SNS::TopicPolicy": topicPolicies{topicsAPI}, "AWS::SNS::Subscription": subscriptions{topicsAPI},
			poolType: pools{e.pool}, keyType: keys{e.keys}, alarmType: alarms{e.alarms}, compositeType: alarms{e.alarms}, ruleType: rules{events},
		}
	}
	compared := e.kinds(nil)
	in := reader{
		stacks:    cloudformation.NewFromConfig(cfg),
		values:    values{parameters: ssm.NewFromConfig(cfg), roles: roleAPI, read: memory{}},
		evaluates: func(typ string) bool { return compared[typ] != nil },
	}
	e.loaded = func(ctx context.Context) ([]*stack, error) { return in.read(ctx, name) }
	return e
}

// dropped are the properties of topics that the emulator does not keep. A stack's parameter says whether it is on AWS.
func dropped(stacks []*stack) []string {
	for _, s := range stacks {
		if s.parameters["OnAws"] == "false" {
			return []string{"KmsMasterKeyId", "TracingConfig"}
		}
	}
	return nil
}

// choose returns the stacks of the named service, or all.
func choose(all []*stack, services []string) ([]*stack, error) {
	if len(services) == 0 {
		return all, nil
	}
	var chosen []*stack
	var names []string
	for _, s := range all {
		name, _, _ := strings.Cut(s.Path, "/")
		if names = append(names, name); name == services[0] {
			chosen = append(chosen, s)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("no stack %q; the stacks are %s", services[0], strings.Join(set(names), ", "))
	}
	return chosen, nil
}

// drift compares the stacks and repairs what differs, if asked.
func (e *environment) drift(ctx context.Context, chosen []*stack, o options) error {
	found := compare(ctx, e.kinds(e.stacks), chosen)
	e.print(found, chosen)
	if len(found.findings) == 0 || !o.repair {
		return found.err()
	}
	repairs := e.plan(found.findings, o)
	if len(repairs) == 0 {
		return found.err()
	}
	if err := e.confirm(len(repairs), o.yes); err != nil {
		return err
	}
	failed := e.make(ctx, repairs)
	again := compare(ctx, e.kinds(e.stacks), chosen)
	fmt.Fprintln(e.out, "\nAfter the repair:")
	e.print(again, chosen)
	return errors.Join(append(failed, again.err())...)
}

// err is the command's failure: there are differences, or not everything was compared.
func (r result) err() error {
	switch {
	case r.differences() > 0:
		return fmt.Errorf("%d settings differ from the templates", r.differences())
	case len(r.unknown) > 0:
		return fmt.Errorf("%d resources could not be compared", len(r.unknown))
	}
	return nil
}

// print writes a line for each difference, and what was compared.
func (e *environment) print(r result, chosen []*stack) {
	for _, f := range sorted(r.findings) {
		for _, line := range f.Differences {
			fmt.Fprintf(e.out, "%s: %s\n", terminal.Printable(f.Where), terminal.Printable(line))
		}
	}
	for _, line := range r.unknown {
		fmt.Fprintf(e.out, "not compared: %s\n", terminal.Printable(line))
	}
	skipped := 0
	for _, n := range r.skipped {
		skipped += n
	}
	fmt.Fprintf(e.out, "%s: %d differences in %d resources of %d stacks; %d resources of other types are not compared\n",
		e.name, r.differences(), r.compared, len(chosen), skipped)
}

// plan shows the repairs, and returns those that will be made.
func (e *environment) plan(all []Finding, o options) []Finding {
	var repairs []Finding
	fmt.Fprintln(e.out)
	all = sorted(all)
	slices.SortStableFunc(all, byNeed)
	for _, f := range all {
		switch {
		case f.fix == nil:
			fmt.Fprintf(e.out, "by hand   %s: %s\n", f.Where, f.Hint)
		case f.denies && !o.denies:
			fmt.Fprintf(e.out, "left      %s: it would remove a Deny; --remove-denies does: %s\n", f.Where, f.Repair)
		default:
			repairs = append(repairs, f)
			fmt.Fprintf(e.out, "repair    %s: %s\n", f.Where, f.Repair)
		}
	}
	return repairs
}

// confirm asks once for all repairs.
func (e *environment) confirm(n int, yes bool) error {
	if yes {
		return nil
	}
	if !e.terminal {
		return errors.New("nothing was changed: no terminal for the question. To continue without it, add --yes")
	}
	return terminal.Ask(e.in, e.out, fmt.Sprintf("Make these %d repairs in %s?", n, e.name), "yes", "--yes")
}

// make makes the repairs one after the other, and returns what failed.
func (e *environment) make(ctx context.Context, repairs []Finding) []error {
	var failed []error
	for _, f := range repairs {
		if err := f.fix(ctx); err != nil {
			err = fmt.Errorf("%s: %w", f.Where, err)
			fmt.Fprintf(e.out, "failed    %s\n", oneLine(err))
			failed = append(failed, err)
			continue
		}
		fmt.Fprintf(e.out, "repaired  %s\n", f.Where)
	}
	return slices.Clip(failed)
}
