package triggers

// Gap: of the triggers of a federated sign-in the emulator fires PreSignUp and token
// generation only. Delete this file when it fires the others.

import (
	"context"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// Federated fires the triggers for a person that an identity provider has signed in:
// PostConfirmation the first time, after which the user exists, and both sign-in triggers
// later. A user that the person was linked to before is not new
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html).
func (t *Triggers) Federated(ctx context.Context, cl upstream.AppClient, p upstream.Pool, name string, first bool, trace string) error {
	if first {
		return t.confirmed(ctx, p, "PostConfirmation_ConfirmSignUp", cl.ID, name, upstream.Call{Trace: trace})
	}
	if err := t.preAuthenticate(ctx, cl, p, name, nil, trace); err != nil {
		return err
	}
	return t.signedIn(ctx, cl, p, name, nil, trace)
}
