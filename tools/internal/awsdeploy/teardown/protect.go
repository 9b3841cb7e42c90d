// Package protect keeps what cannot be made again from being lost by a stack's
// update or deletion: users, evidence, and the keys without which both are noise.
package protect

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"

	"gatehouse.example/tools/stacks"
)

// Stacks is what is asked of CloudFormation.
type Stacks interface {
	cloudformation.ListStackResourcesAPIClient
	Protection
	SetStackPolicy(context.Context, *cloudformation.SetStackPolicyInput, ...func(*cloudformation.Options)) (*cloudformation.SetStackPolicyOutput, error)
}

// Policy reads the stack policy of the repository at root.
func Policy(root string) (string, error) {
	raw, err := os.ReadFile(filepath.Join(root, stacks.StackPolicy))
	if err != nil {
		return "", fmt.Errorf("os.ReadFile: %w", err)
	}
	return string(raw), nil
}

// Apply sets the policy on a stack and on the stacks that it nests, and turns
// on termination protection, which covers the nested stacks as well.
func Apply(ctx context.Context, api Stacks, stack, policy string) error {
	if err := setPolicy(ctx, api, stack, policy); err != nil {
		return err
	}
	return Terminate(ctx, api, stack, false)
}

func setPolicy(ctx context.Context, api Stacks, stack, policy string) error {
	if _, err := api.SetStackPolicy(ctx, &cloudformation.SetStackPolicyInput{StackName: &stack, StackPolicyBody: &policy}); err != nil {
		return fmt.Errorf("cloudformation.SetStackPolicy: %w", err)
	}
	for pages := cloudformation.NewListStackResourcesPaginator(api, &cloudformation.ListStackResourcesInput{StackName: &stack}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return fmt.Errorf("cloudformation.ListStackResources: %w", err)
		}
		for _, r := range out.StackResourceSummaries {
			if aws.ToString(r.ResourceType) != "AWS::CloudFormation::Stack" || aws.ToString(r.PhysicalResourceId) == "" {
				continue
			}
			if err := setPolicy(ctx, api, *r.PhysicalResourceId, policy); err != nil {
				return err
			}
		}
	}
	return nil
}

// Protection is what is asked of CloudFormation about deletion.
type Protection interface {
	UpdateTerminationProtection(context.Context, *cloudformation.UpdateTerminationProtectionInput, ...func(*cloudformation.Options)) (*cloudformation.UpdateTerminationProtectionOutput, error)
}

// Terminate allows or forbids a stack's deletion.
func Terminate(ctx context.Context, api Protection, stack string, allowed bool) error {
	_, err := api.UpdateTerminationProtection(ctx, &cloudformation.UpdateTerminationProtectionInput{
		StackName: &stack, EnableTerminationProtection: aws.Bool(!allowed),
	})
	if err != nil {
		return fmt.Errorf("cloudformation.UpdateTerminationProtection: %w", err)
	}
	return nil
}
