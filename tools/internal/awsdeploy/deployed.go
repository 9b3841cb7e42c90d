// Package teardown protects stacks from deletion and, on request, deletes them. It
// leaves no user pool that calls a deleted function, because all its sign-ins
// would fail, and it lists what is retained and what AWS still charges for.
package teardown

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
)

// Resource is one resource of a stack, or of one that it nests.
type Resource struct {
	ID, Type, Physical string
	// Kept is set if the template retains it when the stack is deleted.
	Kept bool
}

// Stack is a stack as it is deployed.
type Stack struct {
	Name, FullName string
	Resources      []Resource
	// Switches are the parameters of triggers that are on.
	Switches     []string
	parameters   []types.Parameter
	capabilities []types.Capability
}

// Stacks are the calls that read a stack.
type Stacks interface {
	cloudformation.DescribeStacksAPIClient
	cloudformation.ListStackResourcesAPIClient
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
}

// Read reads a deployed stack; it is nil if the stack does not exist.
func Read(ctx context.Context, api Stacks, name, fullName string) (*Stack, error) {
	deployed, err := cfn.Describe(ctx, api, fullName)
	if err != nil || deployed == nil {
		return nil, err
	}
	s := &Stack{Name: name, FullName: fullName, parameters: deployed.Parameters, capabilities: deployed.Capabilities}
	if s.Resources, err = resources(ctx, api, fullName); err != nil {
		return nil, err
	}
	// A stack whose creation failed has parameters but no pool, and cannot be updated.
	if len(Of([]*Stack{s}, "AWS::Cognito::UserPool")) == 0 {
		return s, nil
	}
	for _, p := range s.parameters {
		if strings.HasSuffix(aws.ToString(p.ParameterKey), "Trigger") && aws.ToString(p.ParameterValue) == "on" {
			s.Switches = append(s.Switches, aws.ToString(p.ParameterKey))
		}
	}
	return s, nil
}

// resources lists the resources of a stack and of the stacks that it nests. The
// deployed template, which may differ from the one in this folder, decides what
// is retained.
func resources(ctx context.Context, api Stacks, stack string) ([]Resource, error) {
	// The template before processing: in the processed one SAM retains old versions
	// of functions, which are deleted with their function.
	template, err := api.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &stack, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, fmt.Errorf("cloudformation.GetTemplate: %w", err)
	}
	kept, err := retained([]byte(aws.ToString(template.TemplateBody)))
	if err != nil {
		return nil, fmt.Errorf("template of %s: %w", stack, err)
	}
	var all []Resource
	for pages := cloudformation.NewListStackResourcesPaginator(api, &cloudformation.ListStackResourcesInput{StackName: &stack}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cloudformation.ListStackResources: %w", err)
		}
		for _, r := range out.StackResourceSummaries {
			one := Resource{ID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType), Physical: aws.ToString(r.PhysicalResourceId)}
			_, one.Kept = kept[one.ID]
			if r.ResourceStatus == types.ResourceStatusDeleteComplete || r.ResourceStatus == types.ResourceStatusDeleteSkipped || one.Physical == "" {
				continue
			}
			all = append(all, one)
			if one.Type != "AWS::CloudFormation::Stack" {
				continue
			}
			below, err := resources(ctx, api, one.Physical)
			if err != nil && !cfn.Missing(err) {
				return nil, err
			}
			all = append(all, below...)
		}
	}
	return all, nil
}

// Of lists the physical ids of a type, over all the stacks.
func Of(all []*Stack, typ string) []string {
	var ids []string
	for _, s := range all {
		for _, r := range s.Resources {
			if r.Type == typ {
				ids = append(ids, r.Physical)
			}
		}
	}
	return ids
}
