package drift

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/events"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/policy"
)

// StatusCommand is `gatehouse status`.
func StatusCommand() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show on one screen what needs attention in an environment",
		Long: `Shows the alarms that fire and the playbook of each, whether Cognito may call the user
pool's triggers, event source mappings that are off, keys that cannot be used, messages in
dead-letter queues and in the outbox, and what differs from the templates. It fails if
something needs a person, or could not be read.

It changes nothing. It uses the AWS configuration of the shell, on AWS as it does locally.`,
		Example: "  gatehouse status --environment production",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := open(cmd.Context(), name, cmd.OutOrStdout())
			if err != nil {
				return err
			}
			return e.status(cmd.Context(), time.Now())
		},
	}
	cmd.Flags().StringVar(&name, "environment", "", "local, dev, test or production (default $GATEHOUSE_ENVIRONMENT)")
	return cmd
}

// section is one part of the screen.
type section struct {
	name string
	look func(context.Context) (report, error)
}

// report is what a section shows: a line, and one for each thing that needs attention.
type report struct {
	fine   string
	wanted []string
}

// status prints every section. One that cannot be read does not hide the others.
func (e *environment) status(ctx context.Context, now time.Time) error {
	var once sync.Once
	var failed error
	load := func(ctx context.Context) error {
		once.Do(func() { e.stacks, failed = e.loaded(ctx) })
		return failed
	}
	// needs is a section that looks at the resources of the stacks.
	needs := func(look func(context.Context) (report, error)) func(context.Context) (report, error) {
		return func(ctx context.Context) (report, error) {
			if err := load(ctx); err != nil {
				return report{}, err
			}
			return look(ctx)
		}
	}
	sections := []section{
		{"alarms", e.firing}, {"triggers", needs(e.callable)}, {"mappings", needs(e.reading)}, {"keys", needs(e.unusable)},
		{"dead letters", needs(e.deadLetters)}, {"outbox", needs(e.waiting)}, {"drift", needs(e.drifted)},
	}
	reports, errs := make([]report, len(sections)), make([]error, len(sections))
	var looking sync.WaitGroup
	for i, s := range sections {
		looking.Go(func() { reports[i], errs[i] = s.look(ctx) })
	}
	looking.Wait()
	fmt.Fprintf(e.out, "%s in %s at %s\n\n", e.name, e.region, now.UTC().Format("2006-01-02 15:04 MST"))
	var rows [][]string
	var wanted []string
	for i, s := range sections {
		lines, verdict := reports[i].wanted, "look"
		switch {
		case errs[i] != nil:
			verdict, lines = "unknown", append([]string{oneLine(actors.Hint(errs[i]))}, lines...)
		case len(lines) == 0:
			verdict, lines = "ok", []string{reports[i].fine}
		}
		if verdict != "ok" {
			wanted = append(wanted, s.name)
		}
		for j, line := range lines {
			row := []string{s.name, verdict, terminal.Printable(line)}
			if j > 0 {
				row[0], row[1] = "", ""
			}
			rows = append(rows, row)
		}
	}
	if err := terminal.Table(e.out, rows...); err != nil {
		return err
	}
	if len(wanted) > 0 {
		return fmt.Errorf("%s needs somebody: %s", e.name, strings.Join(wanted, ", "))
	}
	return nil
}

// playbook finds the page that an alarm's description names.
var playbook = regexp.MustCompile(`docs/playbooks/[a-z-]+\.md`)

// firing lists the alarms in ALARM.
func (e *environment) firing(ctx context.Context) (report, error) {
	in := &cloudwatch.DescribeAlarmsInput{
		AlarmNamePrefix: aws.String("gatehouse-" + e.name + "-"), AlarmTypes: []cwtypes.AlarmType{cwtypes.AlarmTypeCompositeAlarm, cwtypes.AlarmTypeMetricAlarm},
	}
	var out report
	all := 0
	add := func(name, description *string, state cwtypes.StateValue, since *time.Time) {
		if all++; state != cwtypes.StateValueAlarm {
			return
		}
		line := aws.ToString(name)
		if since != nil {
			line += " since " + since.UTC().Format("2006-01-02 15:04")
		}
		if page := playbook.FindString(aws.ToString(description)); page != "" {
			line += "; " + page
		}
		out.wanted = append(out.wanted, line)
	}
	for pages := cloudwatch.NewDescribeAlarmsPaginator(e.alarms, in); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return out, fmt.Errorf("cloudwatch.DescribeAlarms: %w", err)
		}
		for _, a := range page.CompositeAlarms {
			add(a.AlarmName, a.AlarmDescription, a.StateValue, a.StateUpdatedTimestamp)
		}
		for _, a := range page.MetricAlarms {
			add(a.AlarmName, a.AlarmDescription, a.StateValue, a.StateUpdatedTimestamp)
		}
	}
	if all == 0 {
		return out, fmt.Errorf("no alarm begins with gatehouse-%s-", e.name)
	}
	slices.Sort(out.wanted)
	out.fine = fmt.Sprintf("none of %d is in ALARM", all)
	return out, nil
}

// of returns the resources of a type in all stacks.
func (e *environment) of(typ string) []resource {
	var out []resource
	for _, s := range e.stacks {
		for _, r := range s.resources {
			if r.Type == typ {
				out = append(out, r)
			}
		}
	}
	return out
}

// callable asks for each trigger of the pool whether Cognito may call it. If it may not,
// everybody is refused, and no metric of Lambda shows it.
func (e *environment) callable(ctx context.Context) (report, error) {
	var out report
	n := 0
	for _, r := range e.of(poolType) {
		pool, err := e.pool.DescribeUserPool(ctx, &cognito.DescribeUserPoolInput{UserPoolId: &r.Physical})
		if err != nil {
			return out, fmt.Errorf("cognitoidentityprovider.DescribeUserPool: %w", err)
		}
		attached := map[string]any{}
		if err := actors.Convert(pool.UserPool.LambdaConfig, &attached); err != nil {
			return out, err
		}
		want := object(r.props["LambdaConfig"])
		for _, name := range set(slices.AppendSeq(slices.Collect(maps.Keys(attached)), maps.Keys(want))) {
			arn := triggerARN(attached[name])
			if arn == "" {
				if triggerARN(want[name]) != "" {
					out.wanted = append(out.wanted, name+": it is not in the pool; docs/playbooks/triggers-not-called.md")
				}
				continue
			}
			n++
			allowed, err := MayCall(ctx, e.aliases, arn, aws.ToString(pool.UserPool.Arn), r.stack.id.AccountID)
			if err != nil {
				return out, err
			}
			if !allowed {
				function, qualifier := functionOf(arn)
				out.wanted = append(out.wanted, fmt.Sprintf("%s: Cognito may not call %s; docs/playbooks/triggers-not-called.md", name, strings.TrimSuffix(function+":"+qualifier, ":")))
			}
		}
	}
	out.fine = fmt.Sprintf("Cognito may call all %d", n)
	return out, nil
}

// triggerARN is the function of a trigger, which is a text or a member of an object.
func triggerARN(v any) string {
	if members := object(v); members != nil {
		v = members["LambdaArn"]
	}
	if text, is := v.(string); is && strings.HasPrefix(text, "arn:") {
		return text
	}
	return ""
}

// MayCall reports whether the policy of a function, or of its alias, lets Cognito call it
// for a pool.
func MayCall(ctx context.Context, api policyReader, arn, pool, account string) (bool, error) {
	function, qualifier := functionOf(arn)
	text, err := functionPolicy(ctx, api, function, qualifier)
	if err != nil {
		return false, err
	}
	call := policy.Request{
		Service: "cognito-idp.amazonaws.com", Action: "lambda:InvokeFunction", Resource: arn,
		Keys: map[string]string{"aws:sourcearn": pool, "aws:sourceaccount": account},
	}
	return text != "" && call.AllowedBy(text), nil
}

// reading lists the event source mappings that are off, or whose last read failed.
func (e *environment) reading(ctx context.Context) (report, error) {
	all := e.of(mappingType)
	out := report{fine: fmt.Sprintf("all %d read their queues", len(all))}
	for _, r := range all {
		m, err := e.mappings.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: &r.Physical})
		switch {
		case lacking(err):
			out.wanted = append(out.wanted, r.where()+": it does not exist; docs/playbooks/consumer-late.md")
		case err != nil:
			return out, fmt.Errorf("lambda.GetEventSourceMapping: %w", err)
		case !enabled(aws.ToString(m.State)):
			out.wanted = append(out.wanted, fmt.Sprintf("%s: %s; docs/playbooks/consumer-late.md", r.where(), aws.ToString(m.State)))
		case strings.HasPrefix(aws.ToString(m.LastProcessingResult), "PROBLEM"):
			out.wanted = append(out.wanted, fmt.Sprintf("%s: %s; docs/playbooks/consumer-late.md", r.where(), aws.ToString(m.LastProcessingResult)))
		}
	}
	return out, nil
}

// unusable lists the keys that cannot be used.
func (e *environment) unusable(ctx context.Context) (report, error) {
	all := e.of(keyType)
	out := report{fine: fmt.Sprintf("all %d are enabled", len(all))}
	for _, r := range all {
		key, err := e.keys.DescribeKey(ctx, &kms.DescribeKeyInput{KeyId: &r.Physical})
		if err != nil {
			return out, fmt.Errorf("kms.DescribeKey: %w", err)
		}
		if state := key.KeyMetadata.KeyState; state != types.KeyStateEnabled {
			out.wanted = append(out.wanted, fmt.Sprintf("%s: %s; gatehouse drift --environment %s --repair", r.where(), state, e.name))
		}
	}
	return out, nil
}

// deadLetters counts the messages of the dead-letter queues.
func (e *environment) deadLetters(ctx context.Context) (report, error) {
	return e.count(ctx, "%d messages; docs/playbooks/dead-letters.md", isDeadLetterQueue)
}

// waiting counts the events in the outbox.
func (e *environment) waiting(ctx context.Context) (report, error) {
	return e.count(ctx, "%d events wait; docs/playbooks/outbox-old.md", func(name string) bool { return strings.HasSuffix(name, "-outbox") })
}

func (e *environment) count(ctx context.Context, line string, counted func(name string) bool) (report, error) {
	var out report
	n := 0
	for _, r := range e.of(queueType) {
		name := queueName(r.Physical)
		if !counted(name) {
			continue
		}
		n++
		attributes, deleted, err := queueAttributes(ctx, e.queues, r.Physical)
		if err != nil {
			return out, err
		}
		if deleted {
			out.wanted = append(out.wanted, name+": it does not exist")
		} else if messages := events.Messages(attributes); messages > 0 {
			out.wanted = append(out.wanted, name+": "+fmt.Sprintf(line, messages))
		}
	}
	out.fine = fmt.Sprintf("%d queues, all empty", n)
	if n == 1 {
		out.fine = "empty"
	}
	return out, nil
}

// shown is how many differences the screen has.
const shown = 5

// drifted summarizes what differs from the templates.
func (e *environment) drifted(ctx context.Context) (report, error) {
	r := compare(ctx, e.kinds(e.stacks), e.stacks)
	out := report{fine: fmt.Sprintf("none of %d resources differs from its template", r.compared)}
	for _, f := range sorted(r.findings) {
		line := f.Where + ": " + f.Differences[0]
		if n := len(f.Differences); n > 1 {
			line += fmt.Sprintf(" (and %d more)", n-1)
		}
		out.wanted = append(out.wanted, line)
	}
	out.wanted = append(out.wanted, r.unknown...)
	if n := len(out.wanted); n > shown {
		out.wanted = append(out.wanted[:shown], fmt.Sprintf("and %d more: gatehouse drift --environment %s", n-shown, e.name))
	}
	return out, nil
}
