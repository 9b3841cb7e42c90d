package runner

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/pipeline"
)

// errNoStack means that a stack does not exist.
var errNoStack = errors.New("the stack does not exist")

// deployedStack reads a stack as CloudFormation holds it.
func deployedStack(ctx context.Context, account Account, name string) (pipeline.Stack, error) {
	cf := cloudformation.NewFromConfig(account.Config)
	stack, err := cfn.Describe(ctx, cf, name)
	if err != nil {
		return pipeline.Stack{}, fmt.Errorf("cfn.Describe: %w", err)
	}
	if stack == nil {
		return pipeline.Stack{}, errNoStack
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
