package triggers

// Gap: the emulator fires no PostConfirmation, and leaves the address that a code
// has just proved unverified. Delete this file when it does both.

import (
	"context"
	"net/http"
	"slices"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// addressed finds the client and the pool of a call: an administrator's names the pool.
func (t *Triggers) addressed(ctx context.Context, c upstream.Call) (client string, p upstream.Pool, ok bool, err error) {
	if c.Admin() {
		p, ok, err = t.up.Pool(ctx, c.Input.UserPoolID)
		return adminClient, p, ok, err
	}
	cl, p, ok, err := t.up.ClientPool(ctx, c.Input.ClientID)
	return cl.ID, p, ok, err
}

// confirmSignUp fires PostConfirmation after the user is confirmed. On AWS too the
// user stays confirmed when the function fails; only the call errors.
func (t *Triggers) confirmSignUp(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
	client, p, ok, err := t.addressed(ctx, c)
	if err != nil {
		return nil, err
	}
	unconfirmed := true
	if ok && c.Admin() {
		// The emulator confirms a confirmed user again without an error.
		before, found, err := t.up.User(ctx, p.ID, c.Input.Username)
		if err != nil {
			return nil, err
		}
		unconfirmed = found && before.Status == "UNCONFIRMED"
	}
	reply := t.forward(ctx, c)
	if !ok || !unconfirmed || reply.Status != http.StatusOK {
		return reply, nil
	}
	if !c.Admin() {
		if err := t.verifyAddress(ctx, p, c.Input.Username); err != nil {
			return reply, err
		}
	}
	return reply, t.confirmed(ctx, p, "PostConfirmation_ConfirmSignUp", client, c.Input.Username, c)
}

// confirmForgotPassword fires PostConfirmation after the new password is set.
func (t *Triggers) confirmForgotPassword(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
	reply := t.forward(ctx, c)
	if reply.Status != http.StatusOK {
		return reply, nil
	}
	cl, p, ok, err := t.up.ClientPool(ctx, c.Input.ClientID)
	if err != nil || !ok {
		return reply, err
	}
	return reply, t.confirmed(ctx, p, "PostConfirmation_ConfirmForgotPassword", cl.ID, c.Input.Username, c)
}

func (t *Triggers) confirmed(ctx context.Context, p upstream.Pool, source, clientID, name string, c upstream.Call) error {
	if p.Function("PostConfirmation") == "" {
		return nil
	}
	u, _, err := t.up.User(ctx, p.ID, name)
	if err != nil {
		return err
	}
	ev := newEvent(p, source, clientID, u.Name, postConfirmationRequest{
		UserAttributes: attributesOf(u),
		ClientMetadata: c.Input.ClientMetadata,
	})
	return t.fire(ctx, p, "PostConfirmation", ev, c.Trace)
}

// verifyAddress marks the address verified that Cognito had sent the code to.
func (t *Triggers) verifyAddress(ctx context.Context, p upstream.Pool, name string) error {
	u, found, err := t.up.User(ctx, p.ID, name)
	if err != nil || !found {
		return err
	}
	for _, medium := range []string{"email", "phone_number"} {
		if !slices.Contains(p.AutoVerified, medium) || u.Attributes[medium] == "" {
			continue
		}
		if u.Attributes[medium+"_verified"] == "true" {
			return nil
		}
		return t.up.Directory(ctx, "AdminUpdateUserAttributes", map[string]any{
			"UserPoolId": p.ID, "Username": u.Name,
			"UserAttributes": []upstream.Attribute{{Name: medium + "_verified", Value: "true"}},
		}, nil)
	}
	return nil
}
