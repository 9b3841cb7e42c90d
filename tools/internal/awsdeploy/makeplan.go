package awsdeploy

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/dataloss"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// atOnce is how many stacks are built and compared at a time. Each build itself
// compiles in parallel.
const atOnce = 2

func readSettings(all []stacks.Stack, environment string, overrides map[string]string) ([]plannedStack, error) {
	var read []plannedStack
	for _, s := range all {
		cfg, err := sam.ReadConfig(s.Samconfig(), environment)
		if err != nil {
			return nil, fmt.Errorf("sam.ReadConfig: %w", err)
		}
		if want := "gatehouse-" + environment + "-" + s.Name; cfg.StackName != want {
			return nil, fmt.Errorf("%s: [%s.deploy.parameters] must contain stack_name = %q, not %q", s.Samconfig(), environment, want, cfg.StackName)
		}
		if got := cfg.Parameters["Environment"]; got != environment {
			return nil, fmt.Errorf("%s: [%s.deploy.parameters] must contain Environment=%s, not %q", s.Samconfig(), environment, environment, got)
		}
		cfg.Parameters = sam.Merge(cfg.Parameters, overrides, s.Parameters)
		read = append(read, plannedStack{Stack: s, FullName: cfg.StackName, Config: cfg})
	}
	return read, nil
}

// plan builds each stack and finds out what its deployment would change.
func (s *session) plan(ctx context.Context, board *terminal.Board, all []plannedStack) ([]plannedStack, error) {
	made := slices.Clone(all)
	errs := make([]error, len(made))
	slots := make(chan struct{}, atOnce)
	var working sync.WaitGroup
	for i := range made {
		slots <- struct{}{}
		working.Go(func() {
			defer func() { <-slots }()
			if ctx.Err() != nil {
				return
			}
			one := &made[i]
			task := board.Start(one.Name, "building")
			if err := s.compare(ctx, one, task); err != nil {
				task.Fail("no plan")
				errs[i] = fmt.Errorf("nothing was changed: %s: %w", one.Name, err)
				return
			}
			task.Done(string(one.Kind))
		})
	}
	working.Wait()
	return made, cmp.Or(append([]error{ctx.Err()}, errs...)...)
}

func (s *session) compare(ctx context.Context, one *plannedStack, task *terminal.Task) error {
	log, err := os.Create(s.workspace.Log("plan-" + one.Name))
	if err != nil {
		return fmt.Errorf("os.Create: %w", err)
	}
	defer func() { _ = log.Close() }()
	if err := s.planCertificate(ctx, one); err != nil {
		return err
	}
	cli, err := s.cli(ctx)
	if err != nil {
		return err
	}
	if len(one.Functions) > 0 {
		if err := s.build(ctx, cli, one, log); err != nil {
			return err
		}
	}
	task.Step("comparing")
	status, err := cfn.Status(ctx, s.cf, one.FullName)
	if err != nil {
		return err
	}
	if status == "" || status == types.StackStatusReviewInProgress {
		one.Kind = added
		return nil
	}
	made, err := changes(ctx, s.cf, dataloss.Finder{API: s.cf}.Find, one.FullName, func() error {
		dry := s.deployment(*one)
		dry.PlanOnly = true
		if err := cli.Deploy(ctx, dry, log); err != nil {
			return fmt.Errorf("%w\n%s", err, sam.LogEnd(log.Name()))
		}
		return nil
	})
	if late := s.missing(err); len(late) > 0 {
		one.Kind, one.Waits = later, late
		return nil
	}
	one.Changes, one.Report, one.Kind = made.changes, made.report, changed
	if made.empty || made.report.Nothing {
		one.Kind = unchanged
	}
	slices.SortFunc(one.Changes, func(a, b change) int { return strings.Compare(a.ID, b.ID) })
	return err
}

// build does nothing if the stack was already built from the same inputs. Only the
// parameter Architecture affects the build, so environments can share it.
func (s *session) build(ctx context.Context, cli sam.CLI, one *plannedStack, log *os.File) error {
	fingerprint, err := sam.Fingerprint(ctx, one.Stack, one.Config.Parameters["Architecture"])
	if err != nil {
		return fmt.Errorf("sam.Fingerprint: %w", err)
	}
	if s.workspace.Built(one.Name, fingerprint) {
		return nil
	}
	if err := cli.Build(ctx, one.Stack, one.Config.Parameters, log); err != nil {
		return fmt.Errorf("%w\n%s", err, sam.LogEnd(log.Name()))
	}
	return s.workspace.MarkBuilt(one.Name, fingerprint)
}

// unknownNames is how CloudFormation refuses a change set of a template that refers to
// SSM parameters which do not exist yet, such as "Parameters: [ssm:/a/b] cannot be found":
// https://github.com/aws-samples/data-mesh-datazone-cdk-cloudformation/issues/19
var unknownNames = regexp.MustCompile(`Parameters: \[(ssm:[^\]]+)\] cannot be found`)

// missing returns the stacks of this deployment that write the names which a change set
// could not read. It returns none if the error is another one, or if one of the names
// will still be missing.
func (s *session) missing(err error) []string {
	if err == nil {
		return nil
	}
	refused := unknownNames.FindStringSubmatch(err.Error())
	if refused == nil {
		return nil
	}
	var writers []string
	for name := range strings.SplitSeq(refused[1], ",") {
		name = strings.TrimPrefix(strings.TrimSpace(name), "ssm:")
		i := slices.IndexFunc(s.stacks, func(one plannedStack) bool {
			return slices.ContainsFunc(one.Writes, func(w string) bool {
				return strings.ReplaceAll(w, "${Environment}", s.target.environment) == name
			})
		})
		if i < 0 {
			return nil
		}
		if !slices.Contains(writers, s.stacks[i].Name) {
			writers = append(writers, s.stacks[i].Name)
		}
	}
	return writers
}

// planLate makes the plan of a stack whose plan had to wait for others, and stops if it
// would lose data.
func (s *session) planLate(ctx context.Context, board *terminal.Board, one *plannedStack) error {
	if one.Kind != later {
		return nil
	}
	task := board.Start(one.Name, "comparing")
	err := s.compare(ctx, one, task)
	if err == nil && one.Kind == later {
		err = fmt.Errorf("%s still cannot read the names of %s", one.Name, strings.Join(one.Waits, ", "))
	}
	if err == nil {
		err = checkDataLoss([]plannedStack{*one})
	}
	if err != nil {
		task.Fail("no plan")
		return err
	}
	task.Done(string(one.Kind))
	var text strings.Builder
	printStack(&text, *one)
	for line := range strings.Lines(text.String()) {
		board.Print(strings.TrimSuffix(line, "\n"))
	}
	return nil
}
