package dataloss

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/uuid"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/template"
)

func (f Finder) removedStack(ctx context.Context, path, stack string) (Report, error) {
	var report Report
	if stack == "" {
		return report, nil // it was never created
	}
	inside, err := f.resources(ctx, stack)
	if err != nil {
		return report, err
	}
	for id, r := range inside {
		typ, below := aws.ToString(r.ResourceType), path+"/"+id
		k, stateful := kinds[typ]
		var more Report
		switch {
		case stateful:
			more.Findings = []Finding{{
				Path: below, Type: typ, What: Removed, Because: "with its nested stack " + path, Instead: advice(Removed, k, ""),
			}}
		case typ == nestedType:
			more, err = f.removedStack(ctx, below, aws.ToString(r.PhysicalResourceId))
		case typ == parameterType:
			more, err = f.nameGone(ctx, stack, below, aws.ToString(r.PhysicalResourceId), "with its nested stack "+path)
		}
		if err != nil {
			return report, err
		}
		report.add(more)
	}
	return report, nil
}

// nested judges a nested stack. If the change set includes one for it, that is read.
// SAM does not request any, so otherwise one is created and deleted again.
func (f Finder) nested(ctx context.Context, l comparison, id, changeSet string) (Report, error) {
	path, stack := l.path+id+"/", aws.ToString(l.deployed[id].PhysicalResourceId)
	if changeSet != "" {
		set, err := cfn.DescribeChangeSet(ctx, f.API, stack, changeSet)
		if err != nil || set.Status == types.ChangeSetStatusFailed {
			return Report{Nothing: err == nil}, err
		}
		return f.find(ctx, stack, changeSet, path)
	}
	in, err := f.probe(ctx, l, l.new[id], stack)
	if err != nil {
		return Report{}, err
	}
	if in == nil {
		return Report{Unseen: []string{l.path + id}}, nil
	}
	defer func() {
		_, _ = f.API.DeleteChangeSet(context.WithoutCancel(ctx), &cloudformation.DeleteChangeSetInput{ChangeSetName: in.ChangeSetName, StackName: in.StackName})
	}()
	set, err := cfn.CreateChangeSet(ctx, f.API, *in)
	if err != nil {
		return Report{}, fmt.Errorf("%s%s: %w", l.path, id, err)
	}
	if set.Status != types.ChangeSetStatusCreateComplete { // it has no changes
		return Report{Nothing: true}, nil
	}
	return f.find(ctx, *in.StackName, *in.ChangeSetName, path)
}

// probe is a change set for a nested stack as its parent would change it, or nil if
// the value of a new parameter is only known during the deployment.
func (f Finder) probe(ctx context.Context, l comparison, r template.Resource, stack string) (*cloudformation.CreateChangeSetInput, error) {
	// Without a resolver a dynamic reference stays unresolved: CloudFormation checks a
	// parameter against its AllowedPattern before it resolves the reference.
	e := l.template.Evaluator(l.values, nil)
	url, known := text(ctx, e, r.Prop("TemplateURL"))
	if !known || url == "" || stack == "" {
		return nil, nil
	}
	wants, err := f.API.GetTemplateSummary(ctx, &cloudformation.GetTemplateSummaryInput{TemplateURL: &url})
	if err != nil {
		return nil, fmt.Errorf("cloudformation.GetTemplateSummary: %w", err)
	}
	now, err := f.API.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &stack})
	if err != nil {
		return nil, fmt.Errorf("cloudformation.DescribeStacks: %w", err)
	}
	// The emulator finds no change set by its name if the stack is given by its ARN.
	if len(now.Stacks) > 0 && now.Stacks[0].StackName != nil {
		stack = *now.Stacks[0].StackName
	}
	has := func(name string) bool {
		return slices.ContainsFunc(now.Stacks, func(s types.Stack) bool {
			return slices.ContainsFunc(s.Parameters, func(p types.Parameter) bool { return aws.ToString(p.ParameterKey) == name })
		})
	}
	in := &cloudformation.CreateChangeSetInput{
		StackName: &stack, TemplateURL: &url, ChangeSetName: aws.String("look-" + uuid.NewString()), ChangeSetType: types.ChangeSetTypeUpdate,
		Capabilities: []types.Capability{types.CapabilityCapabilityIam, types.CapabilityCapabilityNamedIam, types.CapabilityCapabilityAutoExpand},
		Tags:         l.tags, // CloudFormation gives a nested stack the tags of its parent
	}
	for _, p := range wants.Parameters {
		name := aws.ToString(p.ParameterKey)
		value, known := text(ctx, e, r.Prop("Parameters", name))
		switch {
		case known:
			in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &name, ParameterValue: &value})
		case has(name):
			in.Parameters = append(in.Parameters, types.Parameter{ParameterKey: &name, UsePreviousValue: aws.Bool(true)})
		case p.DefaultValue == nil:
			return nil, nil
		}
	}
	return in, nil
}
