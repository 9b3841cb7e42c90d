package runner

import (
	"context"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/dataloss"
	"gatehouse.example/tools/pipeline"
)

// Stack makes and executes the change sets of one stack.
type Stack struct {
	// Client has the permissions of the action's role, Root those of CloudFormation.
	Client, Root *cloudformation.Client
	// Name is the name of the stack, SetName that of its change set.
	Name, SetName string
}

// Replace makes the change set, in place of an earlier one, and returns its changes.
func (s Stack) Replace(ctx context.Context, c ChangeSet) ([]types.Change, error) {
	status, err := cfn.Status(ctx, s.Client, s.Name)
	if err != nil {
		return nil, fmt.Errorf("cfn.Status: %w", err)
	}
	if _, err := s.Client.DeleteChangeSet(ctx, &cloudformation.DeleteChangeSetInput{StackName: &s.Name, ChangeSetName: &s.SetName}); err != nil && !cfn.Missing(err) {
		return nil, fmt.Errorf("cloudformation.DeleteChangeSet: %w", err)
	}
	set, err := cfn.CreateChangeSet(ctx, s.Client, c.input(s, status))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name, err)
	}
	if c.Policy != "" {
		if _, err := s.Client.SetStackPolicy(ctx, &cloudformation.SetStackPolicyInput{StackName: &s.Name, StackPolicyBody: &c.Policy}); err != nil {
			return nil, fmt.Errorf("cloudformation.SetStackPolicy: %w", err)
		}
	}
	return set.Changes, nil
}

func (c ChangeSet) input(s Stack, status types.StackStatus) cloudformation.CreateChangeSetInput {
	in := cloudformation.CreateChangeSetInput{
		StackName: &s.Name, ChangeSetName: &s.SetName, TemplateBody: &c.Template,
		Parameters: cfn.Parameters(c.Parameters), ChangeSetType: types.ChangeSetTypeUpdate,
	}
	if status == "" || status == types.StackStatusReviewInProgress {
		in.ChangeSetType = types.ChangeSetTypeCreate
	}
	if c.Role != "" {
		in.RoleARN = &c.Role
	}
	for _, name := range c.Capabilities {
		in.Capabilities = append(in.Capabilities, types.Capability(name))
	}
	for key, value := range c.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: &key, Value: &value})
	}
	return in
}

// Execute executes the change set and returns the outputs of the stack. It does
// not execute a change set without changes.
func (s Stack) Execute(ctx context.Context) (outputs map[string]string, executed bool, err error) {
	set, err := cfn.DescribeChangeSet(ctx, s.Client, s.Name, s.SetName)
	if err != nil {
		return nil, false, fmt.Errorf("cfn.DescribeChangeSet: %w", err)
	}
	if len(set.Changes) > 0 || set.ExecutionStatus == types.ExecutionStatusAvailable {
		if err := s.checkPolicy(ctx); err != nil {
			return nil, false, err
		}
		if err := cfn.ExecuteChangeSet(ctx, s.Client, s.Name, s.SetName); err != nil {
			return nil, false, fmt.Errorf("%s: %w", s.Name, err)
		}
		executed = true
	}
	outputs, err = cfn.Outputs(ctx, s.Client, s.Name)
	if err != nil {
		return nil, executed, fmt.Errorf("cfn.Outputs: %w", err)
	}
	return outputs, executed, nil
}

// checkPolicy refuses what the stack policy denies on AWS. The emulator stores a
// stack policy and does not enforce it.
func (s Stack) checkPolicy(ctx context.Context) error {
	report, err := dataloss.Finder{API: s.Root}.Find(ctx, s.Name, s.SetName)
	if err != nil {
		return fmt.Errorf("dataloss.Finder.Find: %w", err)
	}
	if err := report.Err(s.Name); err != nil {
		return fmt.Errorf("simulated: %w", err)
	}
	return nil
}

// deployedStack reads the stack of a service's pipeline, or that of checks.yaml, as
// CloudFormation holds it.
func deployedStack(ctx context.Context, account Account, service string) (pipeline.Stack, error) {
	name := StackOf(service)
	cf := cloudformation.NewFromConfig(account.Config)
	stack, err := cfn.Describe(ctx, cf, name)
	if err != nil {
		return pipeline.Stack{}, fmt.Errorf("cfn.Describe: %w", err)
	}
	if stack == nil {
		return pipeline.Stack{}, fmt.Errorf("the stack %s is not deployed here; 'gatehouse pipeline up' deploys all pipelines", name)
	}
	template, err := cf.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return pipeline.Stack{}, fmt.Errorf("cloudformation.GetTemplate: %w", err)
	}
	resources, err := cfn.Resources(ctx, cf, name)
	if err != nil {
		return pipeline.Stack{}, err
	}
	return pipeline.Stack{
		Template: aws.ToString(template.TemplateBody), Parameters: stackParameters(account, *stack), Resolver: stackResolver{account, resources},
	}, nil
}

// stackParameters returns the parameters of a stack and the pseudo parameters.
func stackParameters(account Account, s types.Stack) map[string]string {
	out := map[string]string{
		"AWS::AccountId": account.ID, "AWS::Partition": "aws", "AWS::Region": account.Config.Region,
		"AWS::StackId": aws.ToString(s.StackId), "AWS::StackName": aws.ToString(s.StackName), "AWS::URLSuffix": "amazonaws.com",
	}
	for _, p := range s.Parameters {
		out[aws.ToString(p.ParameterKey)] = aws.ToString(p.ParameterValue)
		if p.ResolvedValue != nil { // the type AWS::SSM::Parameter::Value
			out[aws.ToString(p.ParameterKey)] = *p.ResolvedValue
		}
	}
	return out
}

// stackResolver resolves what the template of a deployed stack refers to.
type stackResolver struct {
	account   Account
	resources []types.StackResourceSummary
}

func (s stackResolver) Parameter(ctx context.Context, name string) (string, error) {
	out, err := ssm.NewFromConfig(s.account.Config).GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	if err != nil {
		return "", fmt.Errorf("ssm.GetParameter %s: %w", name, err)
	}
	return aws.ToString(out.Parameter.Value), nil
}

// Attribute supports the attributes that pipelines use.
func (s stackResolver) Attribute(ctx context.Context, name, attribute string) (string, error) {
	i := slices.IndexFunc(s.resources, func(r types.StackResourceSummary) bool { return *r.LogicalResourceId == name })
	if i < 0 {
		return "", fmt.Errorf("the stack has no parameter and no resource %s", name)
	}
	typ, id := aws.ToString(s.resources[i].ResourceType), aws.ToString(s.resources[i].PhysicalResourceId)
	switch {
	case attribute == "Ref":
		return id, nil
	case attribute == "Arn" && typ == "AWS::IAM::Role":
		out, err := iam.NewFromConfig(s.account.Config).GetRole(ctx, &iam.GetRoleInput{RoleName: &id})
		if err != nil {
			return "", fmt.Errorf("iam.GetRole: %w", err)
		}
		return aws.ToString(out.Role.Arn), nil
	case attribute == "Arn" && typ == "AWS::CodeBuild::Project":
		return s.account.arn("codebuild", "project/"+id), nil
	}
	return "", fmt.Errorf("the attribute %s of %s (%s) is not supported", attribute, name, typ)
}
