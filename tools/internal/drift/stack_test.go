package drift

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-cmp/cmp"
)

// deployment is a stack of the fake CloudFormation.
type deployment struct {
	template   string
	status     types.StackStatus
	parameters map[string]string
	outputs    map[string]string
	resources  map[string][2]string // type and physical id
}

type fakeStacks struct {
	stacks map[string]deployment
	reads  int // of SSM and roles
}

func stackID(name string) string {
	return "arn:aws:cloudformation" + inAccount + "stack/" + name + "/1"
}

func (f *fakeStacks) DescribeStacks(context.Context, *cloudformation.DescribeStacksInput, ...func(*cloudformation.Options)) (*cloudformation.DescribeStacksOutput, error) {
	out := &cloudformation.DescribeStacksOutput{}
	for name, s := range f.stacks {
		one := types.Stack{StackName: &name, StackId: aws.String(stackID(name)), StackStatus: s.status}
		for key, value := range s.parameters {
			one.Parameters = append(one.Parameters, types.Parameter{ParameterKey: &key, ParameterValue: &value})
		}
		for key, value := range s.outputs {
			one.Outputs = append(one.Outputs, types.Output{OutputKey: &key, OutputValue: &value})
		}
		out.Stacks = append(out.Stacks, one)
	}
	return out, nil
}

func (f *fakeStacks) ListStackResources(_ context.Context, in *cloudformation.ListStackResourcesInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error) {
	out := &cloudformation.ListStackResourcesOutput{}
	for id, r := range f.stacks[*in.StackName].resources {
		out.StackResourceSummaries = append(out.StackResourceSummaries, types.StackResourceSummary{LogicalResourceId: &id, ResourceType: &r[0], PhysicalResourceId: &r[1]})
	}
	return out, nil
}

func (f *fakeStacks) GetTemplate(_ context.Context, in *cloudformation.GetTemplateInput, _ ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error) {
	if in.TemplateStage != types.TemplateStageProcessed {
		return nil, errors.New("the template before SAM")
	}
	return &cloudformation.GetTemplateOutput{TemplateBody: aws.String(f.stacks[*in.StackName].template)}, nil
}

func (f *fakeStacks) GetParameter(_ context.Context, in *ssm.GetParameterInput, _ ...func(*ssm.Options)) (*ssm.GetParameterOutput, error) {
	f.reads++
	return &ssm.GetParameterOutput{Parameter: &ssmtypes.Parameter{Value: aws.String("value of " + *in.Name)}}, nil
}

func (f *fakeStacks) GetRole(_ context.Context, in *iam.GetRoleInput, _ ...func(*iam.Options)) (*iam.GetRoleOutput, error) {
	f.reads++
	return &iam.GetRoleOutput{Role: &iamtypes.Role{Arn: aws.String("arn:aws:iam::111122223333:role/path/" + *in.RoleName)}}, nil
}

func readerOf(f *fakeStacks) reader {
	return reader{stacks: f, values: values{parameters: f, roles: f, read: memory{}}, evaluates: func(typ string) bool { return typ == queueType }}
}

const parentTemplate = `
Parameters: {OnAws: {Type: String}}
Conditions: {OnAws: !Equals [!Ref OnAws, "true"]}
Resources:
  Nested: {Type: AWS::CloudFormation::Stack}
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      QueueName: !Sub "${AWS::Region}-${AWS::AccountId}"
      Arn: !GetAtt Queue.Arn
      Key: !GetAtt Nested.Outputs.KeyArn
      Name: '{{resolve:ssm:/gatehouse/test/a}}'
      Again: '{{resolve:ssm:/gatehouse/test/a}}'
      Role: !GetAtt Role.Arn
      Absent: !If [OnAws, x, !Ref AWS::NoValue]
      Unknown: !GetAtt Other.Arn
  Role: {Type: AWS::IAM::Role}
  OnlyOnAws: {Type: AWS::SQS::Queue, Condition: OnAws}
  Lost: {Type: AWS::SQS::Queue}
`

func TestRead(t *testing.T) {
	t.Parallel()
	f := &fakeStacks{stacks: map[string]deployment{
		"gatehouse-test-user-events": {parentTemplate, types.StackStatusCreateComplete, map[string]string{"OnAws": "false"}, nil, map[string][2]string{
			"Nested": {"AWS::CloudFormation::Stack", stackID("gatehouse-test-user-events-Nested-1X")}, "Queue": {queueType, "https://sqs/111122223333/q"}, "Role": {"AWS::IAM::Role", "r"},
		}},
		"gatehouse-test-user-events-Nested-1X": {`{"Resources": {"Q": {"Type": "AWS::SQS::Queue", "Properties": {"A": {"Ref": "Given"}}}}}`, types.StackStatusUpdateComplete,
			map[string]string{"Given": "{{resolve:ssm:/gatehouse/test/a}}"}, map[string]string{"KeyArn": "the key"}, map[string][2]string{"Q": {queueType, "url"}}},
		"gatehouse-test-api":       {`Resources: {Q: {Type: AWS::SQS::Queue}}`, types.StackStatusUpdateInProgress, nil, nil, map[string][2]string{"Q": {queueType, "url"}}},
		"gatehouse-production-api": {"", types.StackStatusCreateComplete, nil, nil, nil},
		"gatehouse-test-gone":      {"", types.StackStatusDeleteComplete, nil, nil, nil},
	}}
	all, err := readerOf(f).read(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	var paths, unknown []string
	props := map[string]map[string]any{}
	for _, s := range all {
		paths, unknown = append(paths, s.Path), append(unknown, s.unknown...)
		for _, r := range s.resources {
			if r.Type == queueType {
				props[r.where()] = r.props
			}
			for name, err := range r.unresolved {
				unknown = append(unknown, name+": "+err.Error())
			}
		}
	}
	if diff := cmp.Diff([]string{"api", "user-events", "user-events/Nested"}, paths); diff != "" {
		t.Errorf("stacks (-want +got)\n%s", diff)
	}
	want := map[string]map[string]any{
		"user-events/Queue (q)": {
			"QueueName": "eu-central-1-111122223333", "Arn": "arn:aws:sqs" + inAccount + "q", "Key": "the key", "Name": "value of /gatehouse/test/a", "Again": "value of /gatehouse/test/a",
			"Role": "arn:aws:iam::111122223333:role/path/r",
		},
		"user-events/Nested/Q (url)": {"A": "value of /gatehouse/test/a"},
	}
	if diff := cmp.Diff(want, props); diff != "" {
		t.Errorf("properties (-want +got)\n%s", diff)
	}
	if diff := cmp.Diff([]string{
		"api: it is being changed (UPDATE_IN_PROGRESS); compare it again afterwards", "user-events/Lost: the template has it, and the stack does not",
		"Unknown: the stack has no resource Other: not resolved",
	}, unknown); diff != "" {
		t.Errorf("unknown (-want +got)\n%s", diff)
	}
	if f.reads != 2 {
		t.Errorf("%d reads, want one of the parameter and one of the role", f.reads)
	}
	if got := all[2].root().previousParameters(); got != " --parameters ParameterKey=OnAws,UsePreviousValue=true" {
		t.Errorf("parameters of a change set: %q", got)
	}
}

func TestReadNothing(t *testing.T) {
	t.Parallel()
	_, err := readerOf(&fakeStacks{}).read(t.Context(), "test")
	if err == nil || !strings.Contains(err.Error(), "is anything deployed there") {
		t.Errorf("error %v", err)
	}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	all := []*stack{{Path: "api"}, {Path: "user-events"}, {Path: "user-events/Topic"}}
	if got, err := choose(all, []string{"user-events"}); err != nil || len(got) != 2 {
		t.Errorf("choose = %v, %v", got, err)
	}
	if _, err := choose(all, []string{"other"}); err == nil || !strings.Contains(err.Error(), "the stacks are api, user-events") {
		t.Errorf("error %v", err)
	}
}
