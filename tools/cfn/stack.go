package cfn

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/uuid"
)

// Stacks are the calls that change a stack and show the result.
type Stacks interface {
	cloudformation.DescribeStacksAPIClient
	Events
	CreateStack(context.Context, *cloudformation.CreateStackInput, ...func(*cloudformation.Options)) (*cloudformation.CreateStackOutput, error)
	DeleteStack(context.Context, *cloudformation.DeleteStackInput, ...func(*cloudformation.Options)) (*cloudformation.DeleteStackOutput, error)
	ExecuteChangeSet(context.Context, *cloudformation.ExecuteChangeSetInput, ...func(*cloudformation.Options)) (*cloudformation.ExecuteChangeSetOutput, error)
	UpdateStack(context.Context, *cloudformation.UpdateStackInput, ...func(*cloudformation.Options)) (*cloudformation.UpdateStackOutput, error)
}

// CreateStack creates a stack and waits for it.
func CreateStack(ctx context.Context, api Stacks, in cloudformation.CreateStackInput) error {
	op := begin(ctx, api, *in.StackName)
	in.ClientRequestToken = &op.token
	_, err := api.CreateStack(ctx, &in)
	if err := op.started(ctx, err); err != nil {
		return fmt.Errorf("cloudformation.CreateStack: %w", err)
	}
	return op.created(ctx)
}

// UpdateStack updates a stack and waits for it.
func UpdateStack(ctx context.Context, api Stacks, in cloudformation.UpdateStackInput) error {
	op := begin(ctx, api, *in.StackName)
	in.ClientRequestToken = &op.token
	_, err := api.UpdateStack(ctx, &in)
	if err := op.started(ctx, err); err != nil {
		return fmt.Errorf("cloudformation.UpdateStack: %w", err)
	}
	return op.updated(ctx)
}

// DeleteStack deletes a stack and waits until it is gone. A stack that does not
// exist is not an error.
func DeleteStack(ctx context.Context, api Stacks, name string) error {
	stack, err := Describe(ctx, api, name)
	if err != nil || stack == nil {
		return err
	}
	op := begin(ctx, api, aws.ToString(stack.StackId)) // a deleted stack is only found by its id
	_, err = api.DeleteStack(ctx, &cloudformation.DeleteStackInput{StackName: &name, ClientRequestToken: &op.token})
	if err := op.started(ctx, err); err != nil {
		return fmt.Errorf("cloudformation.DeleteStack: %w", err)
	}
	waiter := cloudformation.NewStackDeleteCompleteWaiter(api, func(o *cloudformation.StackDeleteCompleteWaiterOptions) {
		o.MinDelay, o.MaxDelay = minDelay, maxDelay
	})
	return op.result(ctx, waiter.Wait(ctx, op.describe(), timeout))
}

// Settle waits until no operation on the stack is in progress and returns the
// stack's status. A stack that waits for a change set to be executed is settled.
func Settle(ctx context.Context, api cloudformation.DescribeStacksAPIClient, name string) (types.StackStatus, error) {
	var status types.StackStatus
	waiter := cloudformation.NewStackExistsWaiter(api, func(o *cloudformation.StackExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = minDelay, maxDelay
		o.Retryable = func(_ context.Context, _ *cloudformation.DescribeStacksInput, out *cloudformation.DescribeStacksOutput, err error) (bool, error) {
			if Missing(err) || err == nil && len(out.Stacks) == 0 {
				status = ""
				return false, nil
			}
			if err != nil {
				return false, err
			}
			status = out.Stacks[0].StackStatus
			return strings.HasSuffix(string(status), "_IN_PROGRESS") && status != types.StackStatusReviewInProgress, nil
		}
	})
	if err := waiter.Wait(ctx, &cloudformation.DescribeStacksInput{StackName: &name}, timeout); err != nil {
		return status, fmt.Errorf("the stack %s is %s: %w", name, status, err)
	}
	return status, nil
}

// operation is one change of a stack.
type operation struct {
	api          Stacks
	stack, token string
	// last is the stack's newest event before the operation.
	last string
}

func begin(ctx context.Context, api Stacks, stack string) operation {
	return operation{api: api, stack: stack, token: uuid.NewString(), last: LastEvent(ctx, api, stack)}
}

func (o operation) describe() *cloudformation.DescribeStacksInput {
	return &cloudformation.DescribeStacksInput{StackName: &o.stack}
}

// started returns no error if CloudFormation began the operation. A repeated
// call can be refused although the first attempt was accepted; then the stack's
// events carry the token.
func (o operation) started(ctx context.Context, err error) error {
	if err == nil || hasCode(err, "TokenAlreadyExists") {
		return nil
	}
	out, eventsErr := o.api.DescribeStackEvents(ctx, &cloudformation.DescribeStackEventsInput{StackName: &o.stack})
	if eventsErr == nil && slices.ContainsFunc(out.StackEvents, func(e types.StackEvent) bool {
		return aws.ToString(e.ClientRequestToken) == o.token
	}) {
		return nil
	}
	return err
}

func (o operation) created(ctx context.Context) error {
	waiter := cloudformation.NewStackCreateCompleteWaiter(o.api, func(w *cloudformation.StackCreateCompleteWaiterOptions) {
		w.MinDelay, w.MaxDelay = minDelay, maxDelay
	})
	return o.result(ctx, waiter.Wait(ctx, o.describe(), timeout))
}

func (o operation) updated(ctx context.Context) error {
	waiter := cloudformation.NewStackUpdateCompleteWaiter(o.api, func(w *cloudformation.StackUpdateCompleteWaiterOptions) {
		w.MinDelay, w.MaxDelay = minDelay, maxDelay
	})
	return o.result(ctx, waiter.Wait(ctx, o.describe(), timeout))
}

// result replaces the waiter's error by CloudFormation's reasons.
func (o operation) result(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("interrupted; CloudFormation continues: %w", ctx.Err())
	}
	reasons := Failures(ctx, o.api, o.stack, o.last)
	if len(reasons) == 0 {
		return err
	}
	return errors.New(strings.Join(reasons, "; "))
}
