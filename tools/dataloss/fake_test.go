package dataloss

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
)

// fakeStack is a stack of the fake account, and the change set on it.
type fakeStack struct {
	root       string
	template   string
	resources  map[string][2]string // type and physical id
	parameters map[string]string
	tags       []types.Tag
	changes    []types.Change
	next       string // the change set's template
	status     types.ChangeSetStatus
	reason     string
}

// fake is an account. Change sets that are made are written down and forgotten.
type fake struct {
	stacks  map[string]fakeStack
	summary []types.ParameterDeclaration
	made    []*cloudformation.CreateChangeSetInput
	deleted []string
	err     error
}

func (f *fake) DescribeStacks(_ context.Context, in *cloudformation.DescribeStacksInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	out := &cloudformation.DescribeStacksOutput{}
	for name, s := range f.stacks {
		if in.StackName != nil && *in.StackName != name {
			continue
		}
		one := types.Stack{StackName: &name, StackId: &name, RootId: aws.String(s.root)}
		for k, v := range s.parameters {
			one.Parameters = append(one.Parameters, types.Parameter{ParameterKey: &k, ParameterValue: &v})
		}
		out.Stacks = append(out.Stacks, one)
	}
	return out, f.err
}

func (f *fake) ListStackResources(_ context.Context, in *cloudformation.ListStackResourcesInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error) {
	out := &cloudformation.ListStackResourcesOutput{}
	for id, r := range f.stacks[*in.StackName].resources {
		out.StackResourceSummaries = append(out.StackResourceSummaries, types.StackResourceSummary{LogicalResourceId: &id, ResourceType: &r[0], PhysicalResourceId: &r[1]})
	}
	return out, f.err
}

func (f *fake) CreateChangeSet(_ context.Context, in *cloudformation.CreateChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.CreateChangeSetOutput, error) {
	f.made = append(f.made, in)
	return &cloudformation.CreateChangeSetOutput{Id: aws.String("look")}, f.err
}

func (f *fake) DeleteChangeSet(_ context.Context, in *cloudformation.DeleteChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.DeleteChangeSetOutput, error) {
	f.deleted = append(f.deleted, *in.StackName)
	return &cloudformation.DeleteChangeSetOutput{}, nil
}

func (f *fake) DescribeChangeSet(_ context.Context, in *cloudformation.DescribeChangeSetInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeChangeSetOutput, error) {
	s := f.stacks[*in.StackName]
	out := &cloudformation.DescribeChangeSetOutput{Changes: s.changes, Status: s.status, StatusReason: &s.reason, Tags: s.tags}
	if out.Status == "" {
		out.Status = types.ChangeSetStatusCreateComplete
	}
	for k, v := range s.parameters {
		out.Parameters = append(out.Parameters, types.Parameter{ParameterKey: &k, ParameterValue: &v})
	}
	return out, f.err
}

func (f *fake) GetTemplate(_ context.Context, in *cloudformation.GetTemplateInput, _ ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error) {
	s, ok := f.stacks[*in.StackName]
	if !ok {
		return nil, errors.New("no stack " + *in.StackName)
	}
	body := s.template
	if in.ChangeSetName != nil {
		body = s.next
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: aws.String(strings.TrimSpace(body))}, nil
}

func (f *fake) GetTemplateSummary(context.Context, *cloudformation.GetTemplateSummaryInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateSummaryOutput, error) {
	return &cloudformation.GetTemplateSummaryOutput{Parameters: f.summary}, f.err
}

// change is one change of a change set.
func change(action types.ChangeAction, id, typ string, replacement types.Replacement, details ...types.ResourceChangeDetail) types.Change {
	return types.Change{ResourceChange: &types.ResourceChange{
		Action: action, LogicalResourceId: &id, ResourceType: &typ, Replacement: replacement, Details: details, PhysicalResourceId: aws.String("/" + id),
	}}
}

func detail(property string, recreation types.RequiresRecreation, evaluation types.EvaluationType, cause string) types.ResourceChangeDetail {
	return types.ResourceChangeDetail{
		Target:     &types.ResourceTargetDefinition{Attribute: types.ResourceAttributeProperties, Name: &property, RequiresRecreation: recreation},
		Evaluation: evaluation, CausingEntity: &cause,
	}
}
