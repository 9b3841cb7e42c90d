package deploy

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
)

// settleTimeout is enough for an interrupted deployment to end.
const settleTimeout = 2 * time.Minute

// prepare brings a stack into a state from which it can be deployed: it waits
// for an operation in progress, and deletes a stack that CloudFormation cannot
// update because its creation failed.
func prepare(ctx context.Context, cf *cloudformation.Client, name string) error {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	status, err := cfn.Settle(ctx, cf, name)
	if err != nil {
		return err
	}
	switch status {
	case types.StackStatusRollbackComplete, types.StackStatusRollbackFailed, types.StackStatusCreateFailed, types.StackStatusDeleteFailed:
		return cfn.DeleteStack(ctx, cf, name)
	}
	return nil
}

// recreate creates a stack and returns its outputs. An existing stack has an
// older template and no data; it is deleted first.
func recreate(ctx context.Context, cf *cloudformation.Client, name, template string, parameters map[string]string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, settleTimeout)
	defer cancel()
	if _, err := cfn.Settle(ctx, cf, name); err != nil {
		return nil, err
	}
	if err := cfn.DeleteStack(ctx, cf, name); err != nil {
		return nil, err
	}
	in := cloudformation.CreateStackInput{StackName: &name, TemplateBody: &template, Parameters: cfn.Parameters(parameters)}
	if err := cfn.CreateStack(ctx, cf, in); err != nil {
		return nil, err
	}
	return cfn.Outputs(ctx, cf, name)
}
