package awsdeploy

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/awsdeploy/check"
	"gatehouse.example/tools/internal/terminal"
	"gatehouse.example/tools/sam"
)

func (s *session) deploy(ctx context.Context, yes bool) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	if err := s.check(ctx); err != nil {
		return err
	}
	if err := s.needs(ctx); err != nil {
		return err
	}
	board := terminal.NewBoard(os.Stdout)
	defer board.Close()
	board.Print("")
	planned, err := s.plan(ctx, board, s.stacks)
	if err != nil {
		return err
	}
	printPlan(s.out, planned)
	if err := checkDataLoss(planned); err != nil {
		return err
	}
	todo := toDeploy(planned)
	if len(todo) > 0 {
		question := fmt.Sprintf("Deploy %s to account %s in %s as %s?", names(todo), s.target.account, s.target.config.Region, s.target.environment)
		if err := s.ask(question, "yes", yes, "--yes (make: YES=1)"); err != nil {
			return err
		}
	}
	fmt.Fprintln(s.out)
	for i := range planned {
		err := s.planLate(ctx, board, &planned[i])
		if err == nil {
			err = s.deployOne(ctx, board, planned[i])
		}
		if err != nil {
			return fmt.Errorf("%w\n%s", err, others(planned, i))
		}
	}
	return s.after(ctx, planned)
}

// needs refuses to deploy a stack before the stacks that it reads from.
func (s *session) needs(ctx context.Context) error {
	exist, err := s.existing(ctx)
	if err != nil {
		return err
	}
	for _, one := range s.stacks {
		for _, need := range s.graph[one.Name] {
			if !created(exist[need]) && !slices.ContainsFunc(s.stacks, func(chosen plannedStack) bool { return chosen.Name == need }) {
				return fmt.Errorf("nothing was changed: %s reads names of %s, which does not exist; name both, or no stack to deploy all", one.Name, need)
			}
		}
	}
	return nil
}

// existing returns the status of each stack that exists.
func (s *session) existing(ctx context.Context) (map[string]types.StackStatus, error) {
	exist := map[string]types.StackStatus{}
	for _, one := range s.all {
		status, err := cfn.Status(ctx, s.cf, one.FullName)
		if err != nil {
			return nil, err
		}
		if status != "" {
			exist[one.Name] = status
		}
	}
	return exist, nil
}

// created reports whether a stack of this status was created once. One whose creation
// failed has no resources, and neither has one with only a change set.
func created(status types.StackStatus) bool {
	switch status {
	case "", types.StackStatusReviewInProgress, types.StackStatusCreateInProgress, types.StackStatusCreateFailed,
		types.StackStatusRollbackInProgress, types.StackStatusRollbackComplete, types.StackStatusRollbackFailed,
		types.StackStatusDeleteInProgress, types.StackStatusDeleteComplete, types.StackStatusDeleteFailed:
		return false
	}
	return true
}

// deployOne deploys a stack if it changed, and always protects it, because the
// protection may have been removed.
func (s *session) deployOne(ctx context.Context, board *terminal.Board, one plannedStack) error {
	if err := s.issueCertificate(ctx, board, one); err != nil {
		return err
	}
	task := board.Start(one.Name, "deploying")
	if one.Kind != unchanged {
		if err := s.push(ctx, one); err != nil {
			task.Fail("failed")
			return err
		}
	}
	policy, err := stackPolicy(s.workspace.Root)
	if err == nil {
		err = protect(ctx, s.cf, one.FullName, policy)
	}
	if err != nil {
		task.Fail("deployed, not protected")
		return fmt.Errorf("%s is deployed but not protected: %w", one.Name, err)
	}
	if one.Kind == unchanged {
		task.Done("unchanged, protected")
	} else {
		task.Done("deployed, protected")
	}
	return nil
}

func (s *session) push(ctx context.Context, one plannedStack) error {
	log, err := os.Create(s.workspace.Log("deploy-" + one.Name))
	if err != nil {
		return fmt.Errorf("os.Create: %w", err)
	}
	defer func() { _ = log.Close() }()
	cli, err := s.cli(ctx)
	if err != nil {
		return err
	}
	last := cfn.LastEvent(ctx, s.cf, one.FullName)
	err = cli.Deploy(ctx, s.deployment(one), log)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted while %s was being deployed; CloudFormation continues: %w", one.FullName, ctx.Err())
	}
	reasons := cfn.Failures(ctx, s.cf, one.FullName, last)
	if len(reasons) == 0 {
		return fmt.Errorf("%s was not deployed: %w\n%s", one.FullName, err, sam.LogEnd(log.Name()))
	}
	return fmt.Errorf("%s was not deployed. The first failure: %s\n  (full log: %s)", one.FullName, reasons[0], log.Name())
}

func (s *session) deployment(one plannedStack) sam.Deployment {
	return sam.Deployment{Stack: one.Stack, Config: one.Config, Name: one.FullName, Tags: sam.Tags(s.target.environment, one.Name)}
}

func others(planned []plannedStack, i int) string {
	var b strings.Builder
	if i > 0 {
		fmt.Fprintf(&b, "As planned: %s. ", names(planned[:i]))
	}
	if i+1 < len(planned) {
		fmt.Fprintf(&b, "As before: %s. ", names(planned[i+1:]))
	}
	b.WriteString("CloudFormation has rolled the failed stack back. If it was its first deployment, 'gatehouse aws check' shows what to do.")
	return b.String()
}

func names(all []plannedStack) string {
	var list []string
	for _, s := range all {
		list = append(list, s.Name)
	}
	return strings.Join(list, ", ")
}

func (s *session) check(ctx context.Context) error {
	checks, err := s.checks(ctx)
	if err != nil {
		return err
	}
	findings := check.Run(ctx, checks)
	check.Print(s.out, findings)
	return check.Stops(findings)
}

func (s *session) after(ctx context.Context, planned []plannedStack) error {
	fmt.Fprintln(s.out, "\nDeployed")
	alarms := ""
	for _, one := range s.stacks {
		outputs, err := cfn.Outputs(ctx, s.cf, one.FullName)
		if err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(outputs)) {
			fmt.Fprintf(s.out, "  %-14s %-22s %s\n", one.Name, key, outputs[key])
		}
		alarms = cmp.Or(outputs["AlarmTopicArn"], alarms)
	}
	env := s.target.environment
	fmt.Fprintln(s.out, "\nNext")
	for _, one := range planned {
		if c := one.Certificate; c != nil {
			fmt.Fprintf(s.out, "  before a pipeline deploys   CertificateArn=%s in %s\n", c.ARN, one.Folder+"/samconfig.toml")
		}
	}
	if alarms != "" {
		fmt.Fprintf(s.out, "  receive alarms              aws sns subscribe --topic-arn %s --protocol email --notification-endpoint YOU\n", alarms)
	}
	fmt.Fprintf(s.out, `  all names in SSM            aws ssm get-parameters-by-path --recursive --path /gatehouse/%[1]s
  after the first sign-in     gatehouse audit show --environment %[1]s
  undelivered events          gatehouse events dead list --environment %[1]s
  delete it again             gatehouse aws destroy --environment %[1]s
`, env)
	return nil
}
