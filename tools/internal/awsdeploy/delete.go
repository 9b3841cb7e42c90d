package teardown

import (
	"context"
	"errors"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
)

// SwitchOff updates a stack so that its user pool no longer calls triggers.
func SwitchOff(ctx context.Context, api *cloudformation.Client, s *Stack) error {
	in := cloudformation.UpdateStackInput{
		StackName: &s.FullName, UsePreviousTemplate: aws.Bool(true),
		Capabilities: append(s.capabilities, types.CapabilityCapabilityAutoExpand),
	}
	for _, p := range s.parameters {
		next := types.Parameter{ParameterKey: p.ParameterKey, UsePreviousValue: aws.Bool(true)}
		if slices.Contains(s.Switches, aws.ToString(p.ParameterKey)) {
			next = types.Parameter{ParameterKey: p.ParameterKey, ParameterValue: aws.String("off")}
		}
		in.Parameters = append(in.Parameters, next)
	}
	return cfn.UpdateStack(ctx, api, in)
}

// Delete deletes a stack. If that fails, the stack is protected again.
func Delete(ctx context.Context, api *cloudformation.Client, stack string) error {
	if err := protectFromDeletion(ctx, api, stack, false); err != nil {
		return err
	}
	err := cfn.DeleteStack(ctx, api, stack)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, protectFromDeletion(ctx, api, stack, true))
}
