package triggers

// Gap: the emulator fires neither PreAuthentication nor PostAuthentication. Delete
// this file when it does.

import (
	"cmp"
	"context"
	"crypto/hmac"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// signInFlows lists the flows that begin a sign-in, with the settings of the app
// client that allow each. Refreshing a session fires neither
// trigger, so its flow is not in the list.
var signInFlows = map[string][]string{
	"USER_PASSWORD_AUTH":       {"ALLOW_USER_PASSWORD_AUTH", "USER_PASSWORD_AUTH"},
	"USER_SRP_AUTH":            {"ALLOW_USER_SRP_AUTH"},
	"CUSTOM_AUTH":              {"ALLOW_CUSTOM_AUTH", "CUSTOM_AUTH_FLOW_ONLY"},
	"USER_AUTH":                {"ALLOW_USER_AUTH"},
	"ADMIN_USER_PASSWORD_AUTH": {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"},
	"ADMIN_NO_SRP_AUTH":        {"ALLOW_ADMIN_USER_PASSWORD_AUTH", "ADMIN_NO_SRP_AUTH"},
}

// initiateAuth fires PreAuthentication before the call, and PostAuthentication
// when the call alone signs the user in.
func (t *Triggers) initiateAuth(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
	if signInFlows[c.Input.AuthFlow] == nil {
		return t.forward(ctx, c), nil
	}
	cl, p, ok, err := t.up.ClientPool(ctx, c.Input.ClientID)
	if err != nil {
		return nil, err
	}
	if ok && t.mayBegin(ctx, c, cl, p) {
		name, password := c.Input.AuthParameters["USERNAME"], c.Input.AuthParameters["PASSWORD"]
		if passwordFlows[c.Input.AuthFlow] {
			// ClientMetadata of InitiateAuth arrives as validationData.
			request := migrationRequest{Password: &password, ValidationData: c.Input.ClientMetadata}
			if err := t.migrate(ctx, cl, p, "UserMigration_Authentication", name, request, c.Trace); err != nil {
				return nil, err
			}
		}
		if err := t.preAuthenticate(ctx, cl, p, name, c.Input.ClientMetadata, c.Trace); err != nil {
			return nil, err
		}
	}
	reply := t.forward(ctx, c)
	if !ok {
		return reply, nil
	}
	// ClientMetadata of InitiateAuth reaches PreAuthentication only.
	return reply, t.postAuthenticate(ctx, cl, p, reply, nil, c.Trace)
}

// respondToChallenge fires PostAuthentication when the answer carries tokens.
func (t *Triggers) respondToChallenge(ctx context.Context, c upstream.Call) (*upstream.Answer, error) {
	reply := t.forward(ctx, c)
	if _, ok := issuedToken(reply); !ok {
		return reply, nil
	}
	cl, p, ok, err := t.up.ClientPool(ctx, c.Input.ClientID)
	if err != nil || !ok {
		return reply, err
	}
	return reply, t.postAuthenticate(ctx, cl, p, reply, c.Input.ClientMetadata, c.Trace)
}

// mayBegin reports whether the call is valid enough to reach a trigger: the
// client allows the flow and proves its secret, and an admin may call at all. If it is
// not, the emulator answers with the error.
func (t *Triggers) mayBegin(ctx context.Context, c upstream.Call, cl upstream.AppClient, p upstream.Pool) bool {
	if p.Function("PreAuthentication")+p.Function("UserMigration") == "" || c.Input.AuthParameters["USERNAME"] == "" {
		return false
	}
	if c.Admin() && c.Input.AuthFlow == "USER_PASSWORD_AUTH" || !c.Admin() && strings.HasPrefix(c.Input.AuthFlow, "ADMIN_") {
		return false
	}
	if c.Admin() && (c.Input.UserPoolID != p.ID || !t.authorised(ctx, c, p.ID)) {
		return false
	}
	return allows(cl, c.Input.AuthFlow) && proves(cl, c.Input.AuthParameters["USERNAME"], c.Input.AuthParameters["SECRET_HASH"])
}

// allows reports whether the client's settings allow the flow. A list without any
// ALLOW_ name is of the old kind, which always allows the flows without passwords.
func allows(cl upstream.AppClient, flow string) bool {
	modern := slices.ContainsFunc(cl.Flows, func(f string) bool { return strings.HasPrefix(f, "ALLOW_") })
	if len(cl.Flows) == 0 || !modern && (flow == "USER_SRP_AUTH" || flow == "CUSTOM_AUTH") {
		return true
	}
	return slices.ContainsFunc(signInFlows[flow], func(f string) bool { return slices.Contains(cl.Flows, f) })
}

// proves checks the secret hash of a client that has a secret.
func proves(cl upstream.AppClient, userName, hash string) bool {
	if cl.Secret == "" {
		return hash == ""
	}
	return hmac.Equal([]byte(cl.SecretHash(userName)), []byte(hash))
}

// preAuthenticate fires for a user that exists. For one that does not, it fires
// only where the client hides the difference, and says so in userNotFound
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-authentication.html).
// It fires for an unconfirmed or disabled user, too; AWS does not document this.
func (t *Triggers) preAuthenticate(ctx context.Context, cl upstream.AppClient, p upstream.Pool, name string, data map[string]string, trace string) error {
	if p.Function("PreAuthentication") == "" {
		return nil
	}
	u, found, err := t.up.User(ctx, p.ID, name)
	if err != nil {
		return err
	}
	if !found {
		if !cl.HidesUsers() {
			return nil
		}
		u = upstream.User{Name: name}
	}
	ev := newEvent(p, "PreAuthentication_Authentication", cl.ID, u.Name,
		preAuthenticationRequest{UserAttributes: attributesOf(u), ValidationData: data, UserNotFound: !found})
	return t.fire(ctx, p, "PreAuthentication", ev, trace)
}

// postAuthenticate fires when the reply carries tokens; an error withholds them.
func (t *Triggers) postAuthenticate(ctx context.Context, cl upstream.AppClient, p upstream.Pool, reply *upstream.Answer, metadata map[string]string, trace string) error {
	token, ok := issuedToken(reply)
	if p.Function("PostAuthentication") == "" || !ok {
		return nil
	}
	// The token says who signed in: challenge responses may name the user by an alias, or,
	// in a custom challenge, not at all.
	claims, err := upstream.AccessClaims(token)
	if err != nil {
		return err
	}
	return t.signedIn(ctx, cl, p, claims.Name(), metadata, trace)
}

// signedIn fires PostAuthentication for the user of that name.
func (t *Triggers) signedIn(ctx context.Context, cl upstream.AppClient, p upstream.Pool, name string, metadata map[string]string, trace string) error {
	if p.Function("PostAuthentication") == "" {
		return nil
	}
	u, _, err := t.up.User(ctx, p.ID, name)
	if err != nil {
		return err
	}
	// The emulator remembers no devices, so none is ever new.
	ev := newEvent(p, "PostAuthentication_Authentication", cl.ID, cmp.Or(u.Name, name),
		postAuthenticationRequest{UserAttributes: attributesOf(u), ClientMetadata: metadata})
	return t.fire(ctx, p, "PostAuthentication", ev, trace)
}

// issuedToken is the token in a reply that signs the user in.
func issuedToken(reply *upstream.Answer) (token string, ok bool) {
	var out struct {
		AuthenticationResult *struct{ AccessToken string }
	}
	if reply.Status != http.StatusOK || json.Unmarshal(reply.Body, &out) != nil || out.AuthenticationResult == nil {
		return "", false
	}
	return out.AuthenticationResult.AccessToken, true
}

// authorised reports whether the caller of an admin operation may make it at all. A
// trigger runs before the operation, but never for a caller that IAM denies. So the
// same credentials are sent first with a request that can only fail for its content.
func (t *Triggers) authorised(ctx context.Context, c upstream.Call, poolID string) bool {
	body, _ := json.Marshal(map[string]string{"UserPoolId": poolID})
	code := t.up.Forward(ctx, c.Request, body).Err().Code
	return code == "InvalidParameterException" || code == "ResourceNotFoundException"
}

// BeforeSignIn fires PreAuthentication for a person who signs in on the hosted pages.
func (t *Triggers) BeforeSignIn(ctx context.Context, cl upstream.AppClient, p upstream.Pool, name, trace string) error {
	return t.preAuthenticate(ctx, cl, p, name, nil, trace)
}

// AfterSignIn fires PostAuthentication for a person who signed in on the hosted pages.
func (t *Triggers) AfterSignIn(ctx context.Context, cl upstream.AppClient, p upstream.Pool, name, trace string) error {
	u, found, err := t.up.User(ctx, p.ID, name)
	if err != nil || !found {
		return err
	}
	return t.signedIn(ctx, cl, p, u.Name, nil, trace)
}
