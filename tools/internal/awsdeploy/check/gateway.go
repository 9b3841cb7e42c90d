package check

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
)

// Gateways is the call of API Gateway.
type Gateways interface {
	GetAccount(context.Context, *apigateway.GetAccountInput, ...func(*apigateway.Options)) (*apigateway.GetAccountOutput, error)
}

// Gateway checks the role with which API Gateway writes logs. The account has one
// role for all APIs of a region, and without it there are no logs.
type Gateway struct {
	API Gateways
	// Managed is set if a stack that is deployed sets the role.
	Managed bool
}

// Look implements Check.
func (c Gateway) Look(ctx context.Context) []Finding {
	const what = "API log role"
	out, err := c.API.GetAccount(ctx, &apigateway.GetAccountInput{})
	if err != nil {
		return unknown(what, "apigateway.GetAccount", err)
	}
	role := aws.ToString(out.CloudwatchRoleArn)
	switch {
	case role != "" && c.Managed:
		return []Finding{{Warning, what, "the stack api replaces " + role + " by its own role, for every API of the region",
			"if that role is not api's: set ManageLogRole=false in services/api/samconfig.toml"}}
	case role != "":
		return []Finding{{OK, what, role, ""}}
	case c.Managed:
		return []Finding{{OK, what, "the stack api sets it", ""}}
	}
	return []Finding{{Warning, what, "the account has none, so API Gateway refuses a stage with logs",
		"set ManageLogRole=true in services/api/samconfig.toml"}}
}
