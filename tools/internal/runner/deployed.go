// Package deployed reads a stack out of CloudFormation: its template as it was
// sent, its parameters, and the resources that its template's intrinsics name.
package deployed

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/tools/internal/runner/access"
	"gatehouse.example/tools/pipeline"
)

// ErrNone says that there is no such stack.
var ErrNone = errors.New("there is no such stack")

// Stack reads one.
func Stack(ctx context.Context, account access.Account, name string) (pipeline.Stack, error) {
	cf := cloudformation.NewFromConfig(account.Config)
	out, err := cf.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if err != nil && strings.Contains(err.Error(), "does not exist") {
		return pipeline.Stack{}, ErrNone
	}
	if err != nil {
		return pipeline.Stack{}, fmt.Errorf("cloudformation.DescribeStacks: %w", err)
	}
	template, err := cf.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &name, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return pipeline.Stack{}, fmt.Errorf("cloudformation.GetTemplate: %w", err)
	}
	w := &world{account: account, ids: map[string]resource{}}
	for pages := cloudformation.NewListStackResourcesPaginator(cf, &cloudformation.ListStackResourcesInput{StackName: &name}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return pipeline.Stack{}, fmt.Errorf("cloudformation.ListStackResources: %w", err)
		}
		for _, r := range page.StackResourceSummaries {
			w.ids[aws.ToString(r.LogicalResourceId)] = resource{aws.ToString(r.ResourceType), aws.ToString(r.PhysicalResourceId)}
		}
	}
	return pipeline.Stack{Template: aws.ToString(template.TemplateBody), Parameters: parameters(account, out.Stacks[0]), Resolver: w}, nil
}

// parameters are the stack's and the pseudo parameters.
func parameters(account access.Account, s types.Stack) map[string]string {
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

type resource struct{ typ, id string }

type world struct {
	account access.Account
	ids     map[string]resource
}

func (w *world) Parameter(ctx context.Context, name string) (string, error) {
	out, err := ssm.NewFromConfig(w.account.Config).GetParameter(ctx, &ssm.GetParameterInput{Name: &name})
	if err != nil {
		return "", fmt.Errorf("ssm.GetParameter %s: %w", name, err)
	}
	return aws.ToString(out.Parameter.Value), nil
}

// Attribute knows the attributes that pipelines use.
func (w *world) Attribute(ctx context.Context, name, attribute string) (string, error) {
	r, ok := w.ids[name]
	if !ok {
		return "", fmt.Errorf("the stack has neither a parameter nor a resource %s", name)
	}
	switch {
	case attribute == "Ref":
		return r.id, nil
	case attribute == "Arn" && r.typ == "AWS::IAM::Role":
		out, err := iam.NewFromConfig(w.account.Config).GetRole(ctx, &iam.GetRoleInput{RoleName: &r.id})
		if err != nil {
			return "", fmt.Errorf("iam.GetRole: %w", err)
		}
		return aws.ToString(out.Role.Arn), nil
	case attribute == "Arn" && r.typ == "AWS::CodeBuild::Project":
		return fmt.Sprintf("arn:aws:codebuild:%s:%s:project/%s", w.account.Config.Region, w.account.ID, r.id), nil
	}
	return "", fmt.Errorf("the attribute %s of %s (%s) is not known here", attribute, name, r.typ)
}
