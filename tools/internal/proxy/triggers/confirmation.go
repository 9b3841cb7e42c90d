package proxy

// Gap: the emulator fires no PostConfirmation, and leaves the address that a code
// has just proved unverified. Delete this file when it does both.

import (
	"context"
	"net/http"
	"slices"
)

// confirmSignUp fires PostConfirmation after the user is confirmed. On AWS too the
// user stays confirmed when the function fails; only the call errors.
func (h *handler) confirmSignUp(ctx context.Context, r *http.Request, c call) (*answer, error) {
	clientID, p, ok, err := h.confirmationPool(ctx, c)
	if err != nil {
		return nil, err
	}
	fresh := true
	if ok && c.admin() {
		// The emulator confirms a confirmed user once more without complaint.
		before, found, err := h.dir.user(ctx, p.ID, c.in.Username)
		if err != nil {
			return nil, err
		}
		fresh = found && before.Status == "UNCONFIRMED"
	}
	reply := h.forward(ctx, r, c.body)
	if !ok || !fresh || reply.status != http.StatusOK {
		return reply, nil
	}
	if !c.admin() {
		if err := h.verifyAddress(ctx, p, c.in.Username); err != nil {
			return reply, err
		}
	}
	return reply, h.confirmed(ctx, p, "PostConfirmation_ConfirmSignUp", clientID, c.in.Username, c)
}

// confirmForgotPassword fires PostConfirmation after the new password is set.
func (h *handler) confirmForgotPassword(ctx context.Context, r *http.Request, c call) (*answer, error) {
	reply := h.forward(ctx, r, c.body)
	if reply.status != http.StatusOK {
		return reply, nil
	}
	cl, p, ok, err := h.clientPool(ctx, c.in.ClientID)
	if err != nil || !ok {
		return reply, err
	}
	return reply, h.confirmed(ctx, p, "PostConfirmation_ConfirmForgotPassword", cl.ID, c.in.Username, c)
}

// confirmationPool finds the pool by the client, or for an administrator by its id.
func (h *handler) confirmationPool(ctx context.Context, c call) (clientID string, p pool, ok bool, err error) {
	if !c.admin() {
		cl, p, ok, err := h.clientPool(ctx, c.in.ClientID)
		return cl.ID, p, ok, err
	}
	p, err = h.dir.pool(ctx, c.in.UserPoolID)
	if isAPI(err, "ResourceNotFoundException") {
		return "", pool{}, false, nil
	}
	return adminClient, p, err == nil, err
}

func (h *handler) confirmed(ctx context.Context, p pool, source, clientID, name string, c call) error {
	if p.function("PostConfirmation") == "" {
		return nil
	}
	u, _, err := h.dir.user(ctx, p.ID, name)
	if err != nil {
		return err
	}
	ev := newEvent(p, source, clientID, u.Name, postConfirmationRequest{
		UserAttributes: attributesOf(u),
		ClientMetadata: c.in.ClientMetadata,
	})
	return h.triggers.fire(ctx, p, "PostConfirmation", ev, c.trace)
}

// verifyAddress marks the address verified that Cognito had sent the code to.
func (h *handler) verifyAddress(ctx context.Context, p pool, name string) error {
	u, found, err := h.dir.user(ctx, p.ID, name)
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
		return h.dir.call(ctx, "AdminUpdateUserAttributes", map[string]any{
			"UserPoolId": p.ID, "Username": u.Name,
			"UserAttributes": []attribute{{Name: medium + "_verified", Value: "true"}},
		}, nil)
	}
	return nil
}
