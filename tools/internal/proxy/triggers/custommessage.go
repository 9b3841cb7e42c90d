package triggers

// Gap: the emulator fires CustomMessage for invitations only, and records no mail for a
// changed address. Delete this file and cognito/messages.py when it does both.

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// recordMessage is an operation of the proxy's own; cognito/messages.py answers it.
const recordMessage = "RecordMessage"

// codeParameter is the placeholder that Cognito usually sends
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-custom-message.html).
const codeParameter = "{####}"

// unknown refuses the proxy's own operation to everybody else.
func (t *Triggers) unknown(context.Context, upstream.Call) (*upstream.Answer, error) {
	return nil, upstream.Refuse("UnknownOperationException", "")
}

// codeSent fires CustomMessage after an operation that has sent a code.
func (t *Triggers) codeSent(source, code string) upstream.Operation {
	return func(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
		client, p, ok, err := t.addressed(ctx, c)
		if err != nil {
			return nil, err
		}
		reply := t.forward(ctx, c)
		if !ok || reply.Status != http.StatusOK {
			return reply, nil
		}
		return reply, t.rewrite(ctx, p, source, client, c, code)
	}
}

// rewrite has the pool's function write the mail that the emulator has recorded for a user.
// A user who does not exist, or has no address, got none.
func (t *Triggers) rewrite(ctx context.Context, p upstream.Pool, source, clientID string, c upstream.Call, code string) error {
	if p.Function("CustomMessage") == "" || !slices.Contains(p.AutoVerified, "email") {
		return nil
	}
	u, found, err := t.up.User(ctx, p.ID, c.Input.Username)
	if err != nil || !found || u.Attributes["email"] == "" {
		return err
	}
	mail := map[string]any{"UserPoolId": p.ID, "Username": u.Name, "To": u.Attributes["email"], "Code": code, "Replace": true}
	m, err := t.message(ctx, p, source, clientID, u, c)
	if err != nil {
		mail["Withdraw"] = true
		if failed := t.up.Directory(ctx, recordMessage, mail, nil); failed != nil {
			return failed
		}
		return err
	}
	if m.EmailSubject == nil && m.EmailMessage == nil {
		return nil
	}
	mail["EmailSubject"], mail["EmailMessage"] = m.EmailSubject, m.EmailMessage
	return t.up.Directory(ctx, recordMessage, mail, nil)
}

// send sends a code to an address that is to be proved.
func (t *Triggers) send(ctx context.Context, p upstream.Pool, source string, u upstream.User, to upstream.Attribute, c upstream.Call) error {
	claims, err := upstream.AccessClaims(c.Input.AccessToken)
	if err != nil {
		return err
	}
	m, err := t.message(ctx, p, source, claims.ClientID, u, c)
	if err != nil || to.Name != "email" {
		return err
	}
	return t.up.Directory(ctx, recordMessage, map[string]any{
		"UserPoolId": p.ID, "Username": u.Name, "To": to.Value, "Code": upstream.VerificationCode, "AttributeName": to.Name,
		"EmailSubject": m.EmailSubject, "EmailMessage": m.EmailMessage,
	}, nil)
}

// message is what the pool's function writes; it is empty in a pool without one.
func (t *Triggers) message(ctx context.Context, p upstream.Pool, source, clientID string, u upstream.User, c upstream.Call) (customMessageResponse, error) {
	ev := newEvent(p, source, clientID, u.Name, customMessageRequest{
		UserAttributes: attributesOf(u), CodeParameter: codeParameter, ClientMetadata: c.Input.ClientMetadata,
	})
	ev.Response = customMessageResponse{}
	answer, err := t.answered(ctx, p, "CustomMessage", ev, c.Trace)
	if err != nil || answer == nil {
		return customMessageResponse{}, err
	}
	var out struct{ Response customMessageResponse }
	if json.Unmarshal(answer, &out) != nil {
		return customMessageResponse{}, upstream.Refuse("InvalidLambdaResponseException", "Unrecognizable lambda output")
	}
	return out.Response, nil
}
