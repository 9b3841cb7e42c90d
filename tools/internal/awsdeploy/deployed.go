package awsdeploy

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/template"
)

// resource is one resource of a stack, or of one that it nests.
type resource struct {
	ID, Type, Physical string
	// Kept is set if the template retains it when the stack is deleted.
	Kept bool
}

type deployedStack struct {
	Name, FullName string
	Resources      []resource
	// Switches are the parameters of triggers that are on.
	Switches     []string
	parameters   []types.Parameter
	capabilities []types.Capability
}

type stackAPI interface {
	cloudformation.DescribeStacksAPIClient
	cloudformation.ListStackResourcesAPIClient
	GetTemplate(context.Context, *cloudformation.GetTemplateInput, ...func(*cloudformation.Options)) (*cloudformation.GetTemplateOutput, error)
}

// readDeployed reads a deployed stack; it is nil if the stack does not exist.
func readDeployed(ctx context.Context, api stackAPI, name, fullName string) (*deployedStack, error) {
	deployed, err := cfn.Describe(ctx, api, fullName)
	if err != nil || deployed == nil {
		return nil, err
	}
	s := &deployedStack{Name: name, FullName: fullName, parameters: deployed.Parameters, capabilities: deployed.Capabilities}
	kept := func(ctx context.Context, stack string) (map[string]string, error) { return keptBy(ctx, api, stack) }
	if s.Resources, err = resources(ctx, api, fullName, kept); err != nil {
		return nil, err
	}
	// A stack whose creation failed has parameters but no pool, and cannot be updated.
	if len(physicalIDs([]*deployedStack{s}, "AWS::Cognito::UserPool")) == 0 {
		return s, nil
	}
	for _, p := range s.parameters {
		if strings.HasSuffix(aws.ToString(p.ParameterKey), "Trigger") && aws.ToString(p.ParameterValue) == "on" {
			s.Switches = append(s.Switches, aws.ToString(p.ParameterKey))
		}
	}
	return s, nil
}

// keptBy returns what a stack retains. The deployed template decides that, which may
// differ from the one in this folder.
func keptBy(ctx context.Context, api stackAPI, stack string) (map[string]string, error) {
	// The template before processing: in the processed one SAM retains old versions
	// of functions, which are deleted with their function.
	deployed, err := api.GetTemplate(ctx, &cloudformation.GetTemplateInput{StackName: &stack, TemplateStage: types.TemplateStageOriginal})
	if err != nil {
		return nil, fmt.Errorf("cloudformation.GetTemplate: %w", err)
	}
	kept, err := retained([]byte(aws.ToString(deployed.TemplateBody)))
	if err != nil {
		return nil, fmt.Errorf("template of %s: %w", stack, err)
	}
	return kept, nil
}

// resources lists the resources of a stack and of the stacks that it nests. kept says
// what each stack retains, by logical id.
func resources(ctx context.Context, api cloudformation.ListStackResourcesAPIClient, stack string, kept func(context.Context, string) (map[string]string, error)) ([]resource, error) {
	retained, err := kept(ctx, stack)
	if err != nil {
		return nil, err
	}
	listed, err := cfn.Resources(ctx, api, stack)
	if err != nil {
		return nil, err
	}
	var all []resource
	for _, r := range listed {
		one := resource{ID: aws.ToString(r.LogicalResourceId), Type: aws.ToString(r.ResourceType), Physical: aws.ToString(r.PhysicalResourceId)}
		_, one.Kept = retained[one.ID]
		// A stack whose creation failed lists what it retained, and has it no longer.
		if r.ResourceStatus == types.ResourceStatusDeleteComplete || r.ResourceStatus == types.ResourceStatusDeleteSkipped || one.Physical == "" {
			continue
		}
		all = append(all, one)
		if one.Type != template.StackType {
			continue
		}
		below, err := resources(ctx, api, one.Physical, kept)
		if err != nil && !cfn.Missing(err) {
			return nil, err
		}
		all = append(all, below...)
	}
	return all, nil
}

// physicalIDs lists the physical ids of a type, over all the stacks.
func physicalIDs(all []*deployedStack, typ string) []string {
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

// retained returns the types of the resources, by logical id, that stay when the
// stack of the template is deleted.
func retained(text []byte) (map[string]string, error) {
	t, err := template.Parse("the stack's template", text)
	if err != nil {
		return nil, err
	}
	kept := map[string]string{}
	for _, r := range t.Resources("") {
		if r.Retained("DeletionPolicy") {
			kept[r.ID] = r.Type
		}
	}
	return kept, nil
}
