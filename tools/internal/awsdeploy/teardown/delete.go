package teardown

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/internal/awsdeploy/protect"
	"gatehouse.example/tools/internal/deploy"
)

// patience is for a custom domain, the slowest of all resources to go.
const patience = time.Hour

// SwitchOff updates a stack so that its user pool calls no trigger any more.
func SwitchOff(ctx context.Context, api *cloudformation.Client, s *Stack) error {
	in := &cloudformation.UpdateStackInput{
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
	started := time.Now().Add(-clockSkew)
	if _, err := api.UpdateStack(ctx, in); err != nil {
		return fmt.Errorf("cloudformation.UpdateStack: %w", err)
	}
	waiter := cloudformation.NewStackUpdateCompleteWaiter(api, func(o *cloudformation.StackUpdateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second, longestPause
	})
	if err := waiter.Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &s.FullName}, patience); err != nil {
		return because(ctx, api, s.FullName, started, err)
	}
	return nil
}

const (
	longestPause = 15 * time.Second
	// clockSkew is how far this machine's clock may be ahead of CloudFormation's.
	clockSkew = 30 * time.Second
)

// Delete deletes a stack. If it cannot be deleted it is protected again.
func Delete(ctx context.Context, api *cloudformation.Client, stack string) error {
	if err := protect.Terminate(ctx, api, stack, true); err != nil {
		return err
	}
	started := time.Now().Add(-clockSkew)
	if _, err := api.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &stack}); err != nil {
		return errors.Join(fmt.Errorf("cloudformation.DeleteStack: %w", err), protect.Terminate(ctx, api, stack, false))
	}
	waiter := cloudformation.NewStackDeleteCompleteWaiter(api, func(o *cloudformation.StackDeleteCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = time.Second, longestPause
	})
	err := waiter.Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &stack}, patience)
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted while %s was being deleted; CloudFormation goes on by itself: %w", stack, ctx.Err())
	}
	return errors.Join(because(ctx, api, stack, started, err), protect.Terminate(ctx, api, stack, false))
}

// because puts CloudFormation's reasons in the place of the waiter's.
func because(ctx context.Context, api *cloudformation.Client, stack string, since time.Time, err error) error {
	if reasons := deploy.Failures(ctx, api, stack, since); len(reasons) > 0 {
		slices.Reverse(reasons)
		return errors.New(strings.Join(reasons, "; "))
	}
	return err
}
