package runner

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/internal/runner/access"
	"gatehouse.example/tools/internal/runner/change"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/sam"
)

// cloudFormation makes or executes a change set.
func (c call) cloudFormation(ctx context.Context) (outcome, error) {
	as, err := c.pipelineRole(ctx)
	if err != nil {
		return outcome{}, err
	}
	role := c.definition.Pipeline.RoleArn
	if c.RoleArn != "" {
		if as, err = access.AsRole(ctx, as, c.RoleArn, c.Pipeline); err != nil {
			return outcome{}, fmt.Errorf("the pipeline's role %w", err)
		}
		role = c.RoleArn
	}
	stack := change.Stack{
		CF: cloudformation.NewFromConfig(as), Root: cloudformation.NewFromConfig(c.Account.Config),
		Name: c.settings["StackName"], Set: c.settings["ChangeSetName"],
	}
	switch mode := c.settings["ActionMode"]; mode {
	case "CHANGE_SET_REPLACE":
		return c.replace(ctx, stack, as, role)
	case "CHANGE_SET_EXECUTE":
		outputs, executed, err := stack.Execute(ctx)
		note := "nothing to change"
		if executed {
			note = "changed"
		}
		return outcome{note: note, outputs: outputs}, err
	default:
		return outcome{}, fmt.Errorf("ActionMode %q is not known here", mode)
	}
}

func (c call) replace(ctx context.Context, stack change.Stack, as aws.Config, role string) (outcome, error) {
	in, err := c.inputs(ctx, as)
	if err != nil {
		return outcome{}, err
	}
	plan, err := change.Read(c.settings, in)
	if err != nil {
		return outcome{}, err
	}
	if err := c.mayPass(ctx, stack.Name, role, plan.Role); err != nil {
		return outcome{}, err
	}
	declared, err := pipeline.Declared(plan.Template)
	if err != nil {
		return outcome{}, err
	}
	for _, name := range slices.Sorted(maps.Keys(plan.Parameters)) {
		if !slices.Contains(declared, name) {
			return outcome{}, fmt.Errorf("the template of %s has no parameter %s", stack.Name, name)
		}
	}
	wanted := maps.Clone(plan.Parameters)
	var out outcome
	if replaced := c.emulate(plan.Parameters, declared); len(replaced) > 0 {
		out.simulated = append(out.simulated, "parameters for the emulator: "+strings.Join(replaced, ", "))
	}
	changes, err := stack.Replace(ctx, plan)
	if err != nil {
		return out, err
	}
	out.note = count(changes)
	shifts, err := pipeline.Rollouts(ctx, plan.Template, wanted)
	if err != nil {
		return out, err
	}
	for _, s := range shifts {
		if published(changes, s.Function) {
			out.simulated = append(out.simulated, s.String())
		}
	}
	return out, nil
}

// mayPass asks about the role that CloudFormation takes: who hands it on, and
// whether it trusts CloudFormation. The emulator changes stacks without it.
func (c call) mayPass(ctx context.Context, stack, by, role string) error {
	pass := access.Request{
		Role: by, Resource: role, Actions: []string{"iam:PassRole"}, Context: map[string]string{"iam:PassedToService": access.CloudFormation},
	}
	if err := c.Account.May(ctx, pass); err != nil {
		return err
	}
	arn := fmt.Sprintf("arn:aws:cloudformation:%s:%s:stack/%s/%s", c.Account.Config.Region, c.Account.ID, stack, c.ID)
	_, err := c.Account.AsService(ctx, access.CloudFormation, arn, role)
	return err
}

// emulate puts the emulator's values over the parameters that the template has.
func (c call) emulate(parameters map[string]string, declared []string) []string {
	var replaced []string
	ours := sam.EmulatorParameters(aws.ToString(c.Account.Config.BaseEndpoint), parameters["Environment"])
	for _, name := range slices.Sorted(maps.Keys(ours)) {
		if slices.Contains(declared, name) && parameters[name] != ours[name] {
			parameters[name] = ours[name]
			replaced = append(replaced, name+"="+ours[name])
		}
	}
	return replaced
}

func count(changes []types.Change) string {
	if len(changes) == 0 {
		return "no changes"
	}
	by := map[types.ChangeAction]int{}
	for _, c := range changes {
		if c.ResourceChange != nil {
			by[c.ResourceChange.Action]++
		}
	}
	return fmt.Sprintf("%d to add, %d to change, %d to remove", by[types.ChangeActionAdd], by[types.ChangeActionModify]+by[types.ChangeActionDynamic], by[types.ChangeActionRemove])
}

// published reports whether a function gets a new version, which SAM names after it.
func published(changes []types.Change, function string) bool {
	return slices.ContainsFunc(changes, func(c types.Change) bool {
		r := c.ResourceChange
		return r != nil && aws.ToString(r.ResourceType) == "AWS::Lambda::Version" && strings.HasPrefix(aws.ToString(r.LogicalResourceId), function+"Version")
	})
}
