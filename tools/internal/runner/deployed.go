package runner

import (
	"context"
	"errors"
	"fmt"

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
	found := &stackResolver{account: account, resources: map[string]stackResource{}}
	resources, err := cfn.Resources(ctx, cf, name)
	if err != nil {
		return pipeline.Stack{}, err
	}
	for _, r := range resources {
		found.resources[aws.ToString(r.LogicalResourceId)] = stackResource{aws.ToString(r.ResourceType), aws.ToString(r.PhysicalResourceId)}
	}
	return pipeline.Stack{Template: aws.ToString(template.TemplateBody), Parameters: stackParameters(account, *stack), Resolver: found}, nil
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

type stackResource struct{ typ, id string }

// stackResolver resolves what the template of a deployed stack refers to.
type stackResolver struct {
	account   Account
	resources map[string]stackResource
}

func (s *stackResolver) Parameter(ctx context.Context, name string) (string, error) {
	out, err := ssm.NewFromConfig(s.account.Config).GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	if err != nil {
		return "", fmt.Errorf("ssm.GetParameter %s: %w", name, err)
	}
	return aws.ToString(out.Parameter.Value), nil
}

// Attribute supports the attributes that pipelines use.
func (s *stackResolver) Attribute(ctx context.Context, name, attribute string) (string, error) {
	r, ok := s.resources[name]
	if !ok {
		return "", fmt.Errorf("the stack has no parameter and no resource %s", name)
	}
	switch {
	case attribute == "Ref":
		return r.id, nil
	case attribute == "Arn" && r.typ == "AWS::IAM::Role":
		out, err := iam.NewFromConfig(s.account.Config).GetRole(ctx, &iam.GetRoleInput{RoleName: &r.id})
		if err != nil {
			return "", fmt.Errorf("iam.GetRole: %w", err)
		}
		return aws.ToString(out.Role.Arn), nil
	case attribute == "Arn" && r.typ == "AWS::CodeBuild::Project":
		return s.account.arn("codebuild", "project/"+r.id), nil
	}
	return "", fmt.Errorf("the attribute %s of %s (%s) is not supported", attribute, name, r.typ)
}
