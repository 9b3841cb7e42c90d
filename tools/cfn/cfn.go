// Package cfn calls AWS CloudFormation for everything that deploys a stack. The
// AWS SDK repeats a call whose answer was lost, so each call here is safe to
// repeat, waits until CloudFormation is done, and reports what failed first.
package cfn

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
	"github.com/aws/smithy-go"

	"gatehouse.example/tools/template"
)

const (
	// timeout is enough for a custom domain, the slowest resource to delete.
	timeout  = time.Hour
	minDelay = 100 * time.Millisecond
	maxDelay = 2 * time.Second
)

// Describe returns a stack, or nil if it does not exist.
func Describe(ctx context.Context, api cloudformation.DescribeStacksAPIClient, name string) (*types.Stack, error) {
	out, err := api.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if Missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cloudformation.DescribeStacks: %w", err)
	}
	if len(out.Stacks) == 0 || out.Stacks[0].StackStatus == types.StackStatusDeleteComplete {
		return nil, nil
	}
	return &out.Stacks[0], nil
}

// Status returns a stack's status, which is empty if the stack does not exist.
func Status(ctx context.Context, api cloudformation.DescribeStacksAPIClient, name string) (types.StackStatus, error) {
	stack, err := Describe(ctx, api, name)
	if err != nil || stack == nil {
		return "", err
	}
	return stack.StackStatus, nil
}

// Outputs returns the outputs of a stack by their keys.
func Outputs(ctx context.Context, api cloudformation.DescribeStacksAPIClient, name string) (map[string]string, error) {
	stack, err := Describe(ctx, api, name)
	if err != nil {
		return nil, err
	}
	if stack == nil {
		return nil, fmt.Errorf("the stack %s does not exist", name)
	}
	outputs := map[string]string{}
	for _, o := range stack.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	return outputs, nil
}

// Resources returns the resources of a stack, without those of nested stacks.
func Resources(ctx context.Context, api cloudformation.ListStackResourcesAPIClient, stack string) ([]types.StackResourceSummary, error) {
	var all []types.StackResourceSummary
	for pages := cloudformation.NewListStackResourcesPaginator(api, &cloudformation.ListStackResourcesInput{StackName: &stack}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cloudformation.ListStackResources: %w", err)
		}
		all = append(all, out.StackResourceSummaries...)
	}
	return all, nil
}

// Missing reports whether CloudFormation answered that a stack or a change set
// does not exist.
func Missing(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && (strings.Contains(api.ErrorMessage(), "does not exist") || strings.HasPrefix(api.ErrorCode(), "ChangeSetNotFound"))
}

// Parameters converts a map to CloudFormation's parameters.
func Parameters(values map[string]string) []types.Parameter {
	var list []types.Parameter
	for key, value := range values {
		list = append(list, types.Parameter{ParameterKey: aws.String(key), ParameterValue: aws.String(value)})
	}
	return list
}

// Events are the calls that show why an operation on a stack failed.
type Events = cloudformation.DescribeStackEventsAPIClient

// LastEvent returns the id of a stack's newest event. Read it before an
// operation and pass it to Failures afterwards.
func LastEvent(ctx context.Context, api Events, stack string) string {
	out, err := api.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &stack})
	if err != nil || len(out.StackEvents) == 0 {
		return "" // a new stack
	}
	return aws.ToString(out.StackEvents[0].EventId)
}

// Failures returns the resources that failed after the event and the reasons, the
// first failure first. It omits resources that were only cancelled because of another
// failure. Of a nested stack CloudFormation only says that it failed, so that the
// reasons are those in the nested stack.
func Failures(ctx context.Context, api Events, stack, after string) []string {
	return failures(ctx, api, stack, after, time.Time{})
}

func failures(ctx context.Context, api Events, stack, after string, since time.Time) []string {
	var newest []types.StackEvent
	for pages := cloudformation.NewDescribeStackEventsPaginator(api, &cloudformation.DescribeStackEventsInput{StackName: &stack}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			break
		}
		end := slices.IndexFunc(out.StackEvents, func(e types.StackEvent) bool {
			return after != "" && aws.ToString(e.EventId) == after || aws.ToTime(e.Timestamp).Before(since)
		})
		if end >= 0 {
			newest = append(newest, out.StackEvents[:end]...)
			break
		}
		newest = append(newest, out.StackEvents...)
	}
	var reasons []string
	for _, e := range slices.Backward(newest) {
		id, reason := aws.ToString(e.LogicalResourceId), aws.ToString(e.ResourceStatusReason)
		if !strings.HasSuffix(string(e.ResourceStatus), "_FAILED") || reason == "" || strings.Contains(reason, "cancelled") {
			continue
		}
		inside := nestedFailures(ctx, api, e, aws.ToTime(newest[len(newest)-1].Timestamp))
		if len(inside) == 0 {
			inside = []string{reason}
		}
		for _, one := range inside {
			reasons = append(reasons, id+": "+one)
		}
	}
	return reasons
}

// nestedFailures returns the failures in the nested stack of an event, or none.
func nestedFailures(ctx context.Context, api Events, e types.StackEvent, since time.Time) []string {
	nested := aws.ToString(e.PhysicalResourceId)
	if aws.ToString(e.ResourceType) != template.StackType || nested == "" || nested == aws.ToString(e.StackId) {
		return nil
	}
	return failures(ctx, api, nested, "", since)
}
