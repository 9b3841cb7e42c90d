package deploy

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"

	"gatehouse.example/tools/internal/procs"
)

// settleLimit is how long an interrupted deployment may take to end.
const settleLimit = 2 * time.Minute

// Status is a stack's status, or empty if there is no stack.
func Status(ctx context.Context, cf cloudformation.DescribeStacksAPIClient, name string) (string, error) {
	out, err := cf.DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &name})
	if apiErr := smithy.APIError(nil); errors.As(err, &apiErr) && strings.Contains(apiErr.ErrorMessage(), "does not exist") {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("cloudformation.DescribeStacks: %w", err)
	}
	if len(out.Stacks) == 0 || out.Stacks[0].StackStatus == types.StackStatusDeleteComplete {
		return "", nil
	}
	return string(out.Stacks[0].StackStatus), nil
}

// healthy reports whether a stack is what its last deployment wanted.
func healthy(status string) bool {
	return status == string(types.StackStatusCreateComplete) || status == string(types.StackStatusUpdateComplete)
}

// prepare brings a stack into a state from which it can be deployed: it waits
// out a change under way, and deletes a stack whose first creation failed,
// which CloudFormation would never update.
func prepare(ctx context.Context, cf *cloudformation.Client, name string) error {
	status, err := settled(ctx, cf, name)
	if err != nil {
		return err
	}
	switch types.StackStatus(status) {
	case types.StackStatusRollbackComplete, types.StackStatusRollbackFailed, types.StackStatusCreateFailed, types.StackStatusDeleteFailed:
	default:
		return nil
	}
	if _, err := cf.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name}); err != nil {
		return fmt.Errorf("cloudformation.DeleteStack: %w", err)
	}
	_, err = settled(ctx, cf, name)
	return err
}

// settled waits until nothing changes in a stack and returns its status.
func settled(ctx context.Context, cf *cloudformation.Client, name string) (status string, err error) {
	waiting, cancel := context.WithTimeout(ctx, settleLimit)
	defer cancel()
	var last error
	err = procs.Until(waiting, func() bool {
		status, last = Status(waiting, cf, name)
		return last != nil || !strings.HasSuffix(status, "_IN_PROGRESS") || status == string(types.StackStatusReviewInProgress)
	})
	return status, errors.Join(last, err)
}

// Failures are the reasons that CloudFormation gives for what failed since then,
// the first failure last; what was only cancelled because of another is left out.
func Failures(ctx context.Context, cf cloudformation.DescribeStackEventsAPIClient, name string, since time.Time) []string {
	var reasons []string
	for pages := cloudformation.NewDescribeStackEventsPaginator(cf, &cloudformation.DescribeStackEventsInput{StackName: &name}); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return reasons
		}
		for _, e := range out.StackEvents { // the newest first
			if aws.ToTime(e.Timestamp).Before(since) {
				return reasons
			}
			reason := aws.ToString(e.ResourceStatusReason)
			if strings.HasSuffix(string(e.ResourceStatus), "_FAILED") && reason != "" && !strings.Contains(reason, "cancelled") {
				reasons = append(reasons, aws.ToString(e.LogicalResourceId)+": "+reason)
			}
		}
	}
	return reasons
}
