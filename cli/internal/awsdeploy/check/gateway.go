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
// names a role for it, once and for every API.
type Gateway struct{ API Gateways }

// Look implements Check.
func (c Gateway) Look(ctx context.Context) []Finding {
	const what = "API log role"
	out, err := c.API.GetAccount(ctx, &apigateway.GetAccountInput{})
	if err != nil {
		return unknown(what, "apigateway.GetAccount", err)
	}
	if role := aws.ToString(out.CloudwatchRoleArn); role != "" {
		return []Finding{{OK, what, role, ""}}
	}
	return []Finding{{Warning, what, "the account names no role that lets API Gateway write logs, so a stage with logs is refused",
		"give one: aws apigateway update-account --patch-operations op=replace,path=/cloudwatchRoleArn,value=ROLE_ARN"}}
}
