package awsdeploy

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

type protector interface {
	cloudformation.ListStackResourcesAPIClient
	UpdateTerminationProtection(context.Context, *cloudformation.UpdateTerminationProtectionInput, ...func(*cloudformation.Options)) (*cloudformation.UpdateTerminationProtectionOutput, error)
	SetStackPolicy(context.Context, *cloudformation.SetStackPolicyInput, ...func(*cloudformation.Options)) (*cloudformation.SetStackPolicyOutput, error)
}

func stackPolicy(root string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(root, stacks.StackPolicy))
	if err != nil {
		return "", fmt.Errorf("os.ReadFile: %w", err)
	}
	return string(raw), nil
}

// protect sets the policy on a stack and on the stacks that it nests, and turns
// on termination protection, which covers the nested stacks as well.
func protect(ctx context.Context, api protector, stack, policy string) error {
	if err := setPolicy(ctx, api, stack, policy); err != nil {
		return err
	}
	return protectFromDeletion(ctx, api, stack, true)
}

func setPolicy(ctx context.Context, api protector, stack, policy string) error {
	if _, err := api.SetStackPolicy(ctx, &cloudformation.SetStackPolicyInput{StackName: &stack, StackPolicyBody: &policy}); err != nil {
		return fmt.Errorf("cloudformation.SetStackPolicy: %w", err)
	}
	resources, err := cfn.Resources(ctx, api, stack)
	if err != nil {
		return err
	}
	for _, r := range resources {
		if aws.ToString(r.ResourceType) != template.StackType || aws.ToString(r.PhysicalResourceId) == "" {
			continue
		}
		if err := setPolicy(ctx, api, *r.PhysicalResourceId, policy); err != nil {
			return err
		}
	}
	return nil
}

func protectFromDeletion(ctx context.Context, api protector, stack string, on bool) error {
	_, err := api.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{StackName: &stack, EnableTerminationProtection: &on})
	if err != nil {
		return fmt.Errorf("cloudformation.UpdateTerminationProtection: %w", err)
	}
	return nil
}
