package cfn

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/smithy-go"
	"github.com/google/uuid"
)

// ChangeSets are the calls that make a change set and read it.
type ChangeSets interface {
	cloudformation.DescribeChangeSetAPIClient
	CreateChangeSet(context.Context, *cloudformation.CreateChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.CreateChangeSetOutput, error)
}

// CreateChangeSet makes a change set, waits for it and returns its description
// with all its changes. A change set without changes is not an error. The name
// must not be in use: if CloudFormation answers that it exists, the SDK has
// repeated the call and this is the change set that the first attempt made.
func CreateChangeSet(ctx context.Context, api ChangeSets, in cloudformation.CreateChangeSetInput) (*cloudformation.DescribeChangeSetOutput, error) {
	in.ClientToken = aws.String(uuid.NewString())
	_, createErr := api.CreateChangeSet(ctx, &in)
	if createErr != nil && !hasCode(createErr, "AlreadyExists") {
		return nil, fmt.Errorf("cloudformation.CreateChangeSet: %w", createErr)
	}
	waiter := cloudformation.NewChangeSetCreateCompleteWaiter(api, func(o *cloudformation.ChangeSetCreateCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = minDelay, maxDelay
	})
	waitErr := waiter.Wait(ctx, &cloudformation.DescribeChangeSetInput{StackName: in.StackName, ChangeSetName: in.ChangeSetName}, timeout)
	set, err := DescribeChangeSet(ctx, api, *in.StackName, *in.ChangeSetName)
	switch {
	case err != nil && createErr != nil: // what exists is not a change set
		return nil, fmt.Errorf("cloudformation.CreateChangeSet: %w", createErr)
	case err != nil:
		return nil, err
	case set.Status == types.ChangeSetStatusCreateComplete || empty(set):
		return set, nil
	case set.Status == types.ChangeSetStatusFailed:
		return nil, errors.New("the change set failed: " + aws.ToString(set.StatusReason))
	}
	return nil, fmt.Errorf("the change set is %s: %w", set.Status, waitErr)
}

// empty reports whether a change set failed because it has nothing to change.
func empty(set *cloudformation.DescribeChangeSetOutput) bool {
	reason := aws.ToString(set.StatusReason)
	return set.Status == types.ChangeSetStatusFailed && len(set.Changes) == 0 &&
		(strings.Contains(reason, "didn't contain changes") || strings.Contains(reason, "No updates"))
}

// DescribeChangeSet returns a change set with the changes of all pages.
func DescribeChangeSet(ctx context.Context, api cloudformation.DescribeChangeSetAPIClient, stack, changeSet string) (*cloudformation.DescribeChangeSetOutput, error) {
	var set *cloudformation.DescribeChangeSetOutput
	in := &cloudformation.DescribeChangeSetInput{StackName: &stack, ChangeSetName: &changeSet}
	for pages := cloudformation.NewDescribeChangeSetPaginator(api, in); pages.HasMorePages(); {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("cloudformation.DescribeChangeSet: %w", err)
		}
		if set != nil {
			out.Changes = append(set.Changes, out.Changes...)
		}
		set = out
	}
	return set, nil
}

// ExecuteChangeSet executes a change set and waits until the stack is created
// or updated.
func ExecuteChangeSet(ctx context.Context, api Stacks, stack, changeSet string) error {
	before, err := Status(ctx, api, stack)
	if err != nil {
		return err
	}
	op := begin(ctx, api, stack)
	_, err = api.ExecuteChangeSet(ctx, &cloudformation.ExecuteChangeSetInput{StackName: &stack, ChangeSetName: &changeSet, ClientRequestToken: &op.token})
	if err := op.started(ctx, err); err != nil {
		return fmt.Errorf("cloudformation.ExecuteChangeSet: %w", err)
	}
	if before == types.StackStatusReviewInProgress {
		return op.created(ctx)
	}
	return op.updated(ctx)
}

func hasCode(err error, prefix string) bool {
	var api smithy.APIError
	return errors.As(err, &api) && strings.HasPrefix(api.ErrorCode(), prefix)
}
