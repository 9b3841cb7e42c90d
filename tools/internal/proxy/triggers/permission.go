package proxy

// Gap: the emulator runs a trigger whether or not its function lets Cognito in. On
// AWS a missing permission fails the call. Delete this file when the emulator asks
// the function's policy itself.

import (
	"context"
	"errors"
	"strings"
)

const cognitoService = "cognito-idp.amazonaws.com"

// allowed asks the policy of the trigger's function whether Cognito may call it for
// this pool.
func (t *triggers) allowed(ctx context.Context, p pool, trigger string) error {
	arn := p.function(trigger)
	if arn == "" {
		return nil
	}
	document, err := t.up.functionPolicy(ctx, arn)
	if err != nil {
		var api *apiError
		missing := errors.As(err, &api) && api.Code == "ResourceNotFoundException"
		switch {
		case missing && strings.HasPrefix(api.Message, "Function not found"):
			return notInvoked(trigger, "ResourceNotFoundException")
		case !missing:
			t.log.WarnContext(ctx, "policy not read", "trigger", trigger, "error", err.Error())
		}
		return notInvoked(trigger, "AccessDeniedException")
	}
	if !policyAllows(document, arn, p.ARN) {
		return notInvoked(trigger, "AccessDeniedException")
	}
	return nil
}

// policyAllows evaluates a function policy for a call of Cognito on behalf of a pool.
func policyAllows(document, functionARN, poolARN string) bool {
	return ask{
		service: cognitoService, action: "lambda:InvokeFunction", resource: functionARN,
		keys: map[string]string{"aws:sourcearn": poolARN, "aws:sourceaccount": accountOf(poolARN)},
	}.allowedBy(document)
}

func accountOf(arn string) string {
	if parts := strings.Split(arn, ":"); len(parts) > 5 {
		return parts[4]
	}
	return ""
}
