package triggers

// Gap: the emulator lacks GetUserAttributeVerificationCode and VerifyUserAttribute, and
// changes an address at once, also in a pool whose new addresses count only after their
// owner has proved them (AttributesRequireVerificationBeforeUpdate). Delete this file
// when it has all three.

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// address names an attribute of a user that a code was sent for.
type address struct{ pool, user, attribute string }

func (t *Triggers) sentTo(key address) (string, bool) {
	sent, ok := t.sent.Load(key)
	value, _ := sent.(string)
	return value, ok
}

// delivery is where a code was sent, as Cognito reports it.
type delivery struct {
	AttributeName  string
	DeliveryMedium string
	Destination    string
}

func deliveryOf(attribute, to string) delivery {
	if attribute == "phone_number" {
		return delivery{attribute, "SMS", "+*******" + to[max(0, len(to)-4):]}
	}
	return delivery{attribute, "EMAIL", upstream.Masked(to)}
}

// updateUserAttributes holds back an address that has to be proved first.
func (t *Triggers) updateUserAttributes(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
	p, u, refusal, err := t.tokenOwner(ctx, c)
	if err != nil || refusal != nil {
		return refusal, err
	}
	var now, waiting []upstream.Attribute
	sent := []delivery{}
	for _, a := range c.Input.UserAttributes {
		if !slices.Contains(p.UpdateSettings.VerifyFirst, a.Name) || a.Value == u.Attributes[a.Name] {
			now = append(now, a)
			continue
		}
		if a.Name == "email" && !plausible(a.Value) {
			return nil, upstream.Refuse("InvalidParameterException", "Invalid email address format.")
		}
		t.sent.Store(address{p.ID, u.Name, a.Name}, a.Value)
		waiting, sent = append(waiting, a), append(sent, deliveryOf(a.Name, a.Value))
	}
	if len(sent) == 0 {
		return t.forward(ctx, c), nil
	}
	if len(now) > 0 {
		body, _ := json.Marshal(map[string]any{"AccessToken": c.Input.AccessToken, "UserAttributes": now}) // texts always encode
		if reply := t.up.Forward(ctx, c.Request, body); reply.Status != http.StatusOK {
			return reply, nil
		}
	}
	for _, a := range waiting {
		if err := t.send(ctx, p, "CustomMessage_UpdateUserAttribute", u, a, c); err != nil {
			return nil, err
		}
	}
	return jsonAnswer(map[string]any{"CodeDeliveryDetailsList": sent}), nil
}

// sendCode answers GetUserAttributeVerificationCode. A new address that waits for its
// proof gets the code.
func (t *Triggers) sendCode(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
	p, u, refusal, err := t.tokenOwner(ctx, c)
	if err != nil || refusal != nil {
		return refusal, err
	}
	if !verifiable(c.Input.AttributeName) {
		return nil, upstream.Refuse("InvalidParameterException", "Invalid attribute name: only email and phone_number can be verified.")
	}
	key := address{p.ID, u.Name, c.Input.AttributeName}
	to, waiting := t.sentTo(key)
	if !waiting {
		to = u.Attributes[c.Input.AttributeName]
	}
	if to == "" {
		return nil, upstream.Refuse("InvalidParameterException", "User does not have "+c.Input.AttributeName+" attribute.")
	}
	if err := t.send(ctx, p, "CustomMessage_VerifyUserAttribute", u, upstream.Attribute{Name: c.Input.AttributeName, Value: to}, c); err != nil {
		return nil, err
	}
	t.sent.Store(key, to)
	return jsonAnswer(map[string]any{"CodeDeliveryDetails": deliveryOf(c.Input.AttributeName, to)}), nil
}

// verify takes the code, and with it the address that it proves.
func (t *Triggers) verify(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
	p, u, refusal, err := t.tokenOwner(ctx, c)
	if err != nil || refusal != nil {
		return refusal, err
	}
	name := c.Input.AttributeName
	key := address{p.ID, u.Name, name}
	value, waiting := t.sentTo(key)
	if !verifiable(name) || !waiting {
		return nil, upstream.Refuse("ExpiredCodeException", "Invalid code provided, please request a code again.")
	}
	if c.Input.Code != upstream.VerificationCode {
		return nil, upstream.Refuse("CodeMismatchException", "Invalid verification code provided, please try again.")
	}
	if slices.Contains(p.Aliases, name) && value != u.Attributes[name] {
		_, taken, err := t.up.User(ctx, p.ID, value)
		if err != nil {
			return nil, err
		}
		if taken {
			return nil, upstream.Refuse("AliasExistsException", "An account with the given "+name+" already exists.")
		}
	}
	err = t.up.Directory(ctx, "AdminUpdateUserAttributes", map[string]any{
		"UserPoolId": p.ID, "Username": u.Name,
		"UserAttributes": []upstream.Attribute{{Name: name, Value: value}, {Name: name + "_verified", Value: "true"}},
	}, nil)
	if err != nil {
		return nil, err
	}
	t.sent.Delete(key)
	return jsonAnswer(map[string]any{}), nil
}

// plausible reports whether the text is like an address, as the emulator decides it elsewhere.
func plausible(address string) bool {
	local, domain, ok := strings.Cut(address, "@")
	return ok && local != "" && domain != "" && !strings.ContainsAny(domain, "@") && !strings.ContainsFunc(address, unicode.IsSpace)
}

func verifiable(attribute string) bool { return attribute == "email" || attribute == "phone_number" }

// tokenOwner lets the emulator check the caller's access token, and finds whose it
// is. refusal is the emulator's answer when it does not take the token.
func (t *Triggers) tokenOwner(ctx context.Context, c upstream.Call) (p upstream.Pool, u upstream.User, refusal *upstream.Answer, err error) {
	body, _ := json.Marshal(map[string]string{"AccessToken": c.Input.AccessToken})
	get := c.Request.Clone(ctx)
	get.Header.Set("X-Amz-Target", upstream.CognitoTarget+"GetUser")
	reply := t.up.Forward(ctx, get, body)
	if reply.Status != http.StatusOK {
		return p, u, reply, nil
	}
	claims, err := upstream.AccessClaims(c.Input.AccessToken)
	if err != nil {
		return p, u, nil, err
	}
	_, p, ok, err := t.up.ClientPool(ctx, claims.ClientID)
	if err != nil {
		return p, u, nil, err
	}
	u, found, err := t.up.User(ctx, p.ID, claims.Name())
	if err == nil && (!ok || !found) {
		err = errors.New("the token's user or client is gone")
	}
	return p, u, nil, err
}

func jsonAnswer(v any) *upstream.Answer {
	body, _ := json.Marshal(v) // texts always encode
	return &upstream.Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}, Body: body}
}
