package proxy

// Gap: the emulator lacks GetUserAttributeVerificationCode and
// VerifyUserAttribute, and changes an address at once, also in a pool whose new
// addresses count only after their owner has proved them
// (AttributesRequireVerificationBeforeUpdate). Delete this file when it has all
// three.

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// verificationCode is the one that the emulator takes at ConfirmSignUp, too.
const verificationCode = "123456"

// verifications remembers which address of which user a code was sent to.
type verifications struct {
	mu   sync.Mutex
	sent map[string]string // by pool, user and attribute: the address
}

func newVerifications() *verifications { return &verifications{sent: map[string]string{}} }

func verificationKey(poolID, name, attribute string) string {
	return poolID + "\x00" + name + "\x00" + attribute
}

func (v *verifications) set(key, address string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.sent[key] = address
}

func (v *verifications) get(key string) (string, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	address, ok := v.sent[key]
	return address, ok
}

func (v *verifications) drop(key string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	delete(v.sent, key)
}

// delivery is where a code went, as Cognito tells it.
type delivery struct {
	AttributeName  string
	DeliveryMedium string
	Destination    string
}

func deliveryOf(attribute, address string) delivery {
	if attribute == "phone_number" {
		return delivery{attribute, "SMS", "+*******" + address[max(0, len(address)-4):]}
	}
	return delivery{attribute, "EMAIL", masked(address)}
}

// masked leaves the first letters of an address's two parts, as Cognito does.
func masked(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 || at == len(address)-1 {
		return "***"
	}
	return address[:1] + "***@" + address[at+1:at+2] + "***"
}

// updateUserAttributes holds back an address that has to be proved first.
func (h *handler) updateUserAttributes(ctx context.Context, r *http.Request, c call) (*answer, error) {
	p, u, refusal, err := h.tokenOwner(ctx, r, c)
	if err != nil || refusal != nil {
		return refusal, err
	}
	var now []attribute
	sent := []delivery{}
	for _, a := range c.in.UserAttributes {
		if !slices.Contains(p.UpdateSettings.VerifyFirst, a.Name) || a.Value == u.Attributes[a.Name] {
			now = append(now, a)
			continue
		}
		h.verifications.set(verificationKey(p.ID, u.Name, a.Name), a.Value)
		sent = append(sent, deliveryOf(a.Name, a.Value))
	}
	if len(sent) == 0 {
		return h.forward(ctx, r, c.body), nil
	}
	if len(now) > 0 {
		body, err := json.Marshal(map[string]any{"AccessToken": c.in.AccessToken, "UserAttributes": now})
		if err != nil {
			return nil, err
		}
		if reply := h.forward(ctx, r, body); reply.status != http.StatusOK {
			return reply, nil
		}
	}
	return jsonAnswer(map[string]any{"CodeDeliveryDetailsList": sent})
}

// sendVerificationCode answers GetUserAttributeVerificationCode. A new address
// that waits for its proof is the one that gets the code.
func (h *handler) sendVerificationCode(ctx context.Context, r *http.Request, c call) (*answer, error) {
	p, u, refusal, err := h.tokenOwner(ctx, r, c)
	if err != nil || refusal != nil {
		return refusal, err
	}
	if !verifiable(c.in.AttributeName) {
		return nil, &cognitoError{"InvalidParameterException", "Invalid attribute name: only email and phone_number can be verified."}
	}
	key := verificationKey(p.ID, u.Name, c.in.AttributeName)
	address, waiting := h.verifications.get(key)
	if !waiting {
		address = u.Attributes[c.in.AttributeName]
	}
	if address == "" {
		return nil, &cognitoError{"InvalidParameterException", "User does not have " + c.in.AttributeName + " attribute."}
	}
	h.verifications.set(key, address)
	return jsonAnswer(map[string]any{"CodeDeliveryDetails": deliveryOf(c.in.AttributeName, address)})
}

// verifyUserAttribute takes the code, and with it the address that it proves.
func (h *handler) verifyUserAttribute(ctx context.Context, r *http.Request, c call) (*answer, error) {
	p, u, refusal, err := h.tokenOwner(ctx, r, c)
	if err != nil || refusal != nil {
		return refusal, err
	}
	name := c.in.AttributeName
	key := verificationKey(p.ID, u.Name, name)
	address, waiting := h.verifications.get(key)
	if !verifiable(name) || !waiting {
		return nil, &cognitoError{"ExpiredCodeException", "Invalid code provided, please request a code again."}
	}
	if c.in.Code != verificationCode {
		return nil, &cognitoError{"CodeMismatchException", "Invalid verification code provided, please try again."}
	}
	if slices.Contains(p.Aliases, name) && address != u.Attributes[name] {
		_, taken, err := h.dir.user(ctx, p.ID, address)
		if err != nil {
			return nil, err
		}
		if taken {
			return nil, &cognitoError{"AliasExistsException", "An account with the given " + name + " already exists."}
		}
	}
	err = h.dir.call(ctx, "AdminUpdateUserAttributes", map[string]any{
		"UserPoolId": p.ID, "Username": u.Name,
		"UserAttributes": []attribute{{Name: name, Value: address}, {Name: name + "_verified", Value: "true"}},
	}, nil)
	if err != nil {
		return nil, err
	}
	h.verifications.drop(key)
	return jsonAnswer(map[string]any{})
}

func verifiable(attribute string) bool { return attribute == "email" || attribute == "phone_number" }

// tokenOwner lets the emulator check the caller's access token, and finds whose it
// is. refusal is the emulator's answer when it does not take the token.
func (h *handler) tokenOwner(ctx context.Context, r *http.Request, c call) (p pool, u user, refusal *answer, err error) {
	body, err := json.Marshal(map[string]string{"AccessToken": c.in.AccessToken})
	if err != nil {
		return p, u, nil, err
	}
	get := r.Clone(ctx)
	get.Header.Set("X-Amz-Target", cognitoTarget+"GetUser")
	reply := h.forward(ctx, get, body)
	if reply.status != http.StatusOK {
		return p, u, reply, nil
	}
	claims, err := accessClaims(c.in.AccessToken)
	if err != nil {
		return p, u, nil, err
	}
	_, p, ok, err := h.clientPool(ctx, claims.ClientID)
	if err != nil {
		return p, u, nil, err
	}
	u, found, err := h.dir.user(ctx, p.ID, claims.name())
	if err == nil && (!ok || !found) {
		err = errors.New("edge: the token's user or client is gone")
	}
	return p, u, nil, err
}

func jsonAnswer(v any) (*answer, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	a := &answer{status: http.StatusOK, header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}}}
	_, err = a.body.Write(body)
	return a, err
}
