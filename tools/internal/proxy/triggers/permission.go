package triggers

// Gap: the emulator runs a trigger whether or not its function allows Cognito to call
// it. On AWS a missing permission fails the call. Delete this file when the emulator asks
// the function's policy itself.

import (
	"context"
	"errors"
	"strings"

	"gatehouse.example/tools/internal/proxy/upstream"
)

const cognitoService = "cognito-idp.amazonaws.com"

// allowed asks the policy of the trigger's function whether Cognito may call it for
// this pool.
func (t *Triggers) allowed(ctx context.Context, p upstream.Pool, trigger string) error {
	arn := p.Function(trigger)
	if arn == "" {
		return nil
	}
	document, err := t.up.FunctionPolicy(ctx, arn)
	if err != nil {
		var api *upstream.APIError
		missing := errors.As(err, &api) && api.Code == "ResourceNotFoundException"
		switch {
		case missing && strings.HasPrefix(api.Message, "Function not found"):
			return notInvoked(trigger, "ResourceNotFoundException")
		case !missing:
			t.log.WarnContext(ctx, "policy not read", "trigger", trigger, "error", err.Error())
		}
		return notInvoked(trigger, "AccessDeniedException")
	}
	if !upstream.MayInvoke(document, cognitoService, arn, p.ARN) {
		return notInvoked(trigger, "AccessDeniedException")
	}
	return nil
}
