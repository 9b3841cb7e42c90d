package check

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
)

// Stacks checks the states of the stacks. CloudFormation refuses to update a stack in
// some of them, and each has its own remedy.
type Stacks struct {
	API cloudformation.DescribeStacksAPIClient
	// Names are the names of the environment's stacks.
	Names []string
}

// Look implements Check.
func (c Stacks) Look(ctx context.Context) []Finding {
	const what = "stacks"
	var findings []Finding
	there := 0
	for _, name := range c.Names {
		status, err := cfn.Status(ctx, c.API, name)
		if err != nil {
			return unknown(what, "cloudformation.DescribeStacks", err)
		}
		if status != "" {
			there++
		}
		if next := remedy(name, status); next != "" {
			findings = append(findings, Finding{Stop, what, name + " is in " + string(status), next})
		}
	}
	if len(findings) == 0 {
		return []Finding{{OK, what, fmt.Sprintf("%d of %d exist, none of them in a state that prevents a deployment", there, len(c.Names)), ""}}
	}
	return findings
}

// remedy is what to do about a stack that cannot be deployed, or empty.
func remedy(name string, status types.StackStatus) string {
	const aws = "aws cloudformation "
	switch status {
	case types.StackStatusReviewInProgress: // a change set that was not executed
		return ""
	case types.StackStatusRollbackComplete, types.StackStatusCreateFailed, types.StackStatusRollbackFailed:
		return "its first creation failed, so nothing uses it: " + aws + "describe-stack-events --stack-name " + name +
			" shows why; then " + aws + "delete-stack --stack-name " + name + ", and deploy again"
	case types.StackStatusUpdateRollbackFailed:
		return aws + "continue-update-rollback --stack-name " + name + ", and deploy again when it is UPDATE_ROLLBACK_COMPLETE"
	case types.StackStatusDeleteFailed:
		return aws + "describe-stack-events --stack-name " + name + " shows what could not be deleted; then 'gatehouse aws destroy' again"
	}
	if strings.HasSuffix(string(status), "_IN_PROGRESS") {
		return "it is being changed; wait until it ends: " + aws + "describe-stacks --stack-name " + name
	}
	return ""
}
