package check

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os/exec"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"

	"gatehouse.example/tools/cfn"
	"gatehouse.example/tools/internal/pythontools"
	"gatehouse.example/tools/stacks"
)

// Tools checks the tools that build and deploy.
type Tools struct{ Workspace stacks.Workspace }

// Look implements Check.
func (c Tools) Look(ctx context.Context) []Finding {
	const what = "tools"
	out, err := exec.CommandContext(ctx, "go", "env", "GOVERSION").Output()
	if err != nil {
		return []Finding{{Stop, what, fmt.Sprintf("Go not found: %v", err), "install Go 1.26"}}
	}
	ready, err := pythontools.Ready(c.Workspace)
	if err != nil {
		return []Finding{{Stop, what, err.Error(), ""}}
	}
	if !ready {
		return []Finding{{Stop, what, "the pinned SAM CLI is not installed in " + c.Workspace.Venv, "make tools"}}
	}
	return []Finding{{OK, what, strings.TrimSpace(string(out)) + ", the pinned SAM CLI", ""}}
}

// Settings checks for values in samconfig.toml that must be replaced, that Cognito
// refuses, and for the role of gradual deployments.
type Settings struct {
	Stack      string
	Parameters map[string]string
}

// Look implements Check.
func (c Settings) Look(context.Context) []Finding {
	var found []Finding
	for _, name := range slices.Sorted(maps.Keys(c.Parameters)) {
		if strings.Contains(c.Parameters[name], "example.com") {
			found = append(found, Finding{Warning, c.Stack, name + " is still the example value: " + c.Parameters[name], "set your own value in its samconfig.toml"})
		}
		if text := refused(name, c.Parameters[name]); text != "" {
			found = append(found, Finding{Stop, c.Stack, name + ": " + text, "change it in its samconfig.toml"})
		}
	}
	if c.Parameters["GradualDeployment"] == "true" && c.Parameters["DeploymentRoleArn"] == "" {
		found = append(found, Finding{Stop, c.Stack, "GradualDeployment=true needs a role in DeploymentRoleArn",
			"set CodeDeploy's role in its samconfig.toml, or GradualDeployment=false for the first deployment"})
	}
	return found
}

// refused returns why Cognito refuses a value, when the stack is half deployed:
// https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateUserPoolClient.html
// https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-assign-domain-prefix.html
func refused(name, value string) string {
	switch name {
	case "CallbackUrls", "LogoutUrls":
		for one := range strings.SplitSeq(value, ",") {
			u, err := url.Parse(one)
			switch {
			case err != nil:
				return one + " is not a URL"
			case u.Scheme == "http" && u.Hostname() != "localhost":
				return one + " has no TLS, which Cognito accepts for http://localhost only"
			case strings.Contains(one, "#"):
				return one + " has a fragment, which Cognito refuses"
			}
		}
	case "DomainPrefix":
		for _, word := range []string{"amazon", "aws", "cognito"} {
			if strings.Contains(value, word) {
				return "Cognito refuses a prefix with the text " + word
			}
		}
	}
	return ""
}

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

func remedy(name string, status types.StackStatus) string {
	const aws = "aws cloudformation "
	switch status {
	case types.StackStatusReviewInProgress: // a change set that was not executed
		return ""
	case types.StackStatusRollbackComplete, types.StackStatusCreateFailed, types.StackStatusRollbackFailed:
		return "its first creation failed, so nothing uses it. The reason: " + aws + "describe-stack-events --stack-name " + name +
			"; then " + aws + "delete-stack --stack-name " + name + " && " + aws + "wait stack-delete-complete --stack-name " + name +
			", and deploy again. What it retained is in the check 'retained'"
	case types.StackStatusUpdateRollbackFailed:
		return aws + "continue-update-rollback --stack-name " + name + ", and deploy again when it is UPDATE_ROLLBACK_COMPLETE"
	case types.StackStatusDeleteFailed:
		return "what could not be deleted: " + aws + "describe-stack-events --stack-name " + name + "; then 'gatehouse aws destroy' again"
	}
	if strings.HasSuffix(string(status), "_IN_PROGRESS") {
		return "it is being changed; wait until it ends: " + aws + "describe-stacks --stack-name " + name
	}
	return ""
}
