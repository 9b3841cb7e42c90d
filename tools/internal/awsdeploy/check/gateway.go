package check

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
)

// Gateways is what is asked of API Gateway.
type Gateways interface {
	GetAccount(context.Context, *apigateway.GetAccountInput, ...func(*apigateway.Options)) (*apigateway.GetAccountOutput, error)
}

// Gateway: API Gateway writes no log anywhere in a region until the account
// names a role for it, once and for every API of the region.
type Gateway struct {
	API Gateways
	// Managed says that a stack to deploy gives the account its role.
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
		return []Finding{{Warning, what, "the stack api puts its own role in the place of " + role + ", for every API of the region",
			"unless that is api's own: ManageLogRole=false in services/api/samconfig.toml"}}
	case role != "":
		return []Finding{{OK, what, role, ""}}
	case c.Managed:
		return []Finding{{OK, what, "the stack api gives the account one", ""}}
	}
	return []Finding{{Warning, what, "the account names none, so API Gateway refuses a stage with logs",
		"ManageLogRole=true in services/api/samconfig.toml"}}
}
