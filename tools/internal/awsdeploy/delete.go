package awsdeploy

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"

	"gatehouse.example/tools/cfn"
)

// switchOff updates a stack so that its user pool no longer calls triggers.
func switchOff(ctx context.Context, api *cloudformation.Client, s *deployedStack) error {
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

// deleteStack deletes a stack. If that fails, the stack is protected again.
func deleteStack(ctx context.Context, api *cloudformation.Client, stack string) error {
	if err := protectFromDeletion(ctx, api, stack, false); err != nil {
		return err
	}
	err := cfn.DeleteStack(ctx, api, stack)
	if err == nil || ctx.Err() != nil {
		return err
	}
	return errors.Join(err, protectFromDeletion(ctx, api, stack, true))
}

// logGroups finds the log groups that begin with one of the prefixes. AWS services
// create some outside the stack, and nothing deletes those.
func logGroups(ctx context.Context, api cloudwatchlogs.DescribeLogGroupsAPIClient, prefixes []string) ([]string, error) {
	var names []string
	for _, prefix := range prefixes {
		in := &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: &prefix}
		for pages := cloudwatchlogs.NewDescribeLogGroupsPaginator(api, in); pages.HasMorePages(); {
			out, err := pages.NextPage(ctx)
			if err != nil {
				return nil, fmt.Errorf("cloudwatchlogs.DescribeLogGroups: %w", err)
			}
			for _, g := range out.LogGroups {
				names = append(names, aws.ToString(g.LogGroupName))
			}
		}
	}
	return names, nil
}
