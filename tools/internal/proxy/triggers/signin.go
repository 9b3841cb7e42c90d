package proxy

// Gap: the emulator fires neither PreAuthentication nor PostAuthentication. Delete
// this file and hostedlogin.go when it does.

import (
	"context"
	"crypto/hmac"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
)

var errNoTokenUser = errors.New("edge: the access token names no user")

// signInFlows lists the flows that begin a sign-in, with the settings of the app
// client that allow each. Refreshing a session is none of them: it fires neither
// trigger.
func signInFlows(flow string) []string {
	switch flow {
	case "USER_PASSWORD_AUTH":
		return []string{"ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"}
	case "USER_SRP_AUTH":
		return []string{"ALLOW_USER_SRP_AUTH"}
	case "CUSTOM_AUTH":
		return []string{"ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH_FLOW_ONLY"}
	case "USER_AUTH":
		return []string{"ALLOW_USER_AUTH"}
	case "ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH":
		return []string{"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"}
	default:
		return nil
	}
}

// initiateAuth fires PreAuthentication before the call, and PostAuthentication
// when the call alone signs the user in.
func (h *handler) initiateAuth(ctx context.Context, r *http.Request, c call) (*answer, error) {
	if signInFlows(c.in.AuthFlow) == nil {
		return h.forward(ctx, r, c.body), nil
	}
	cl, p, ok, err := h.clientPool(ctx, c.in.ClientID)
	if err != nil {
		return nil, err
	}
	if ok && h.mayBegin(ctx, r, c, cl, p) {
		name := c.in.AuthParameters["USERNAME"]
		if err := h.preAuthenticate(ctx, cl, p, name, c.in.ClientMetadata, c.trace); err != nil {
			return nil, err
		}
	}
	reply := h.forward(ctx, r, c.body)
	if !ok {
		return reply, nil
	}
	// ClientMetadata of InitiateAuth reaches PreAuthentication only.
	return reply, h.postAuthenticate(ctx, cl, p, reply, nil, c.trace)
}

// respondToChallenge fires PostAuthentication when the answer carries tokens.
func (h *handler) respondToChallenge(ctx context.Context, r *http.Request, c call) (*answer, error) {
	reply := h.forward(ctx, r, c.body)
	if !hasTokens(reply) {
		return reply, nil
	}
	cl, p, ok, err := h.clientPool(ctx, c.in.ClientID)
	if err != nil || !ok {
		return reply, err
	}
	return reply, h.postAuthenticate(ctx, cl, p, reply, c.in.ClientMetadata, c.trace)
}

// mayBegin tells whether the call is well-formed enough to reach a trigger: the
// client allows the flow, proves its secret, and an admin may call at all. Where
// it is not, the emulator answers with the complaint.
func (h *handler) mayBegin(ctx context.Context, r *http.Request, c call, cl client, p pool) bool {
	if p.function("PreAuthentication") == "" || c.in.AuthParameters["USERNAME"] == "" {
		return false
	}
	if c.admin() && c.in.AuthFlow == "USER_PASSWORD_AUTH" || !c.admin() && strings.HasPrefix(c.in.AuthFlow, "ADMIN_") {
		return false
	}
	if c.admin() && (c.in.UserPoolID != p.ID || !h.authorised(ctx, r, p.ID)) {
		return false
	}
	if !cl.allows(c.in.AuthFlow) {
		return false
	}
	return cl.proves(c.in.AuthParameters["USERNAME"], c.in.AuthParameters["SECRET_HASH"])
}

// allows tells whether the client's settings allow the flow. A list without any
// ALLOW_ name is of the old kind, which leaves the flows without passwords on.
func (c client) allows(flow string) bool {
	modern := slices.ContainsFunc(c.Flows, func(f string) bool { return strings.HasPrefix(f, "ALLOW_") })
	if len(c.Flows) == 0 || !modern && (flow == "USER_SRP_AUTH" || flow == "CUSTOM_AUTH") {
		return true
	}
	return slices.ContainsFunc(signInFlows(flow), func(f string) bool { return slices.Contains(c.Flows, f) })
}

// proves checks the secret hash of a client that has a secret.
func (c client) proves(userName, hash string) bool {
	if c.Secret == "" {
		return hash == ""
	}
	return hmac.Equal([]byte(c.secretHash(userName)), []byte(hash))
}

// preAuthenticate fires for a user that exists. For one that does not, it fires
// only where the client hides the difference, and says so in userNotFound
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-authentication.html).
// An unconfirmed or disabled user fires it too: inference, AWS does not say.
func (h *handler) preAuthenticate(ctx context.Context, cl client, p pool, name string, data map[string]string, trace string) error {
	if p.function("PreAuthentication") == "" {
		return nil
	}
	u, found, err := h.dir.user(ctx, p.ID, name)
	if err != nil {
		return err
	}
	if !found {
		if !cl.hidesUsers() {
			return nil
		}
		u = user{Name: name}
	}
	ev := newEvent(p, "PreAuthentication_Authentication", cl.ID, u.Name, preAuthenticationRequest{
		UserAttributes: attributesOf(u),
		ValidationData: data,
		UserNotFound:   !found,
	})
	return h.triggers.fire(ctx, p, "PreAuthentication", ev, trace)
}

// postAuthenticate fires when the reply carries tokens; an error withholds them.
func (h *handler) postAuthenticate(ctx context.Context, cl client, p pool, reply *answer, metadata map[string]string, trace string) error {
	if p.function("PostAuthentication") == "" || !hasTokens(reply) {
		return nil
	}
	name, err := tokenUser(reply)
	if err != nil {
		return err
	}
	return h.signedIn(ctx, cl, p, name, metadata, trace)
}

// signedIn fires PostAuthentication for the user of that name.
func (h *handler) signedIn(ctx context.Context, cl client, p pool, name string, metadata map[string]string, trace string) error {
	if p.function("PostAuthentication") == "" {
		return nil
	}
	u, _, err := h.dir.user(ctx, p.ID, name)
	if err != nil {
		return err
	}
	ev := newEvent(p, "PostAuthentication_Authentication", cl.ID, name, postAuthenticationRequest{
		UserAttributes: attributesOf(u),
		// Devices are not remembered by the emulator, so none is ever new.
		NewDeviceUsed:  false,
		ClientMetadata: metadata,
	})
	if u.Name != "" {
		ev.UserName = u.Name
	}
	return h.triggers.fire(ctx, p, "PostAuthentication", ev, trace)
}

type authenticationReply struct {
	AuthenticationResult *struct{ AccessToken string }
}

func hasTokens(reply *answer) bool {
	var out authenticationReply
	return reply.status == http.StatusOK && json.Unmarshal(reply.body.Bytes(), &out) == nil && out.AuthenticationResult != nil
}

// tokenUser reads who signed in from the access token itself: challenge responses
// may name the user by an alias, or, in a custom challenge, not at all.
func tokenUser(reply *answer) (string, error) {
	var out authenticationReply
	if err := json.Unmarshal(reply.body.Bytes(), &out); err != nil {
		return "", err
	}
	claims, err := accessClaims(out.AuthenticationResult.AccessToken)
	return claims.name(), err
}

// claims are those of an access token that say whose it is.
type claims struct {
	ClientID string `json:"client_id"`
	Username string `json:"username"`
	Sub      string `json:"sub"`
}

func (c claims) name() string {
	if c.Username == "" {
		return c.Sub
	}
	return c.Username
}

// accessClaims reads a token that the emulator has made or checked.
func accessClaims(token string) (claims, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return claims{}, errNoTokenUser
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return claims{}, errNoTokenUser
	}
	var c claims
	if json.Unmarshal(payload, &c) != nil || c.name() == "" {
		return claims{}, errNoTokenUser
	}
	return c, nil
}
