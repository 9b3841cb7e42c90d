package trail

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"gatehouse.example/tools/internal/proxy/upstream"
)

// subject is the user that a call is about.
type subject struct {
	action               string
	pool, client, person string
	token, session       string
	found                string // a sub that was looked up before the call
}

// newSubject reads a call. A challenge names its user in the responses, and a sign-in in
// the parameters.
func newSubject(action string, body []byte) subject {
	var in struct {
		UserPoolID         string `json:"UserPoolId"`
		ClientID           string `json:"ClientId"`
		Username           string
		AccessToken        string
		Session            string
		AuthParameters     map[string]string
		ChallengeResponses map[string]string
	}
	_ = json.Unmarshal(body, &in) // of a call that cannot be read, nobody is known
	s := subject{action: action, pool: in.UserPoolID, client: in.ClientID, person: in.Username, token: in.AccessToken, session: in.Session}
	for _, fields := range []map[string]string{in.AuthParameters, in.ChallengeResponses} {
		if name := fields["USERNAME"]; name != "" {
			s.person = name
		}
	}
	return s
}

// find looks the user up before a call that deletes it.
func (s *subject) find(ctx context.Context, up *upstream.Client) {
	if u, found, err := up.User(ctx, s.pool, s.person); err == nil && found {
		s.found = u.Attributes["sub"]
	}
}

// sub is that of the user that the call was about, or nothing if there is none: of an
// unknown user, and of a call that names nobody. The answer is looked at first.
func (s subject) sub(ctx context.Context, up *upstream.Client, a *answer) (string, error) {
	ok := a.status == http.StatusOK
	if sub := answeredSub(a.body); ok && sub != "" {
		return sub, nil
	}
	switch {
	case s.found != "":
		return s.found, nil
	case s.action == "SignUp": // refused
		return "", nil
	case s.token != "" && ok:
		claims, err := upstream.AccessClaims(s.token)
		return claims.Sub, err
	case s.token != "":
		return ofToken(ctx, up, s.token)
	case s.person == "":
		return "", nil
	}
	pool := s.pool
	if pool == "" {
		var err error
		if pool, err = up.PoolOf(ctx, s.client); err != nil || pool == "" {
			return "", err
		}
	}
	u, _, err := up.User(ctx, pool, s.person)
	if upstream.IsAPI(err, "ResourceNotFoundException") {
		return "", nil // of a pool that does not exist
	}
	return u.Attributes["sub"], err
}

// hasAccount reports whether AWS can know whose account a call without AWS credentials is
// about: from the client, the token or the session. If it cannot, nobody gets a record.
func (s subject) hasAccount(ctx context.Context, up *upstream.Client) (bool, error) {
	client := s.client
	if claims, err := upstream.AccessClaims(s.token); err == nil {
		client = claims.ClientID
	}
	if client == "" {
		return s.session != "", nil
	}
	pool, err := up.PoolOf(ctx, client)
	return pool != "", err
}

// answeredSub is the sub in the answer to a successful call: a new user's, or the tokens'.
func answeredSub(body []byte) string {
	var out struct {
		UserSub              string
		AuthenticationResult struct{ AccessToken string }
		User                 struct{ Attributes []upstream.Attribute }
	}
	if json.Unmarshal(body, &out) != nil {
		return ""
	}
	if token := out.AuthenticationResult.AccessToken; token != "" {
		claims, _ := upstream.AccessClaims(token) // another kind of token says nothing here
		return claims.Sub
	}
	if out.UserSub != "" {
		return out.UserSub
	}
	return upstream.AttributeMap(out.User.Attributes)["sub"]
}

// ofToken asks whose token it is, which also checks it: of a refused call it may be forged.
func ofToken(ctx context.Context, up *upstream.Client, token string) (string, error) {
	var out struct{ UserAttributes []upstream.Attribute }
	err := up.Directory(ctx, "GetUser", map[string]string{"AccessToken": token}, &out)
	for _, code := range []string{"NotAuthorizedException", "UserNotFoundException", "InvalidParameterException"} {
		if upstream.IsAPI(err, code) {
			return "", nil
		}
	}
	if err != nil {
		return "", fmt.Errorf("GetUser: %w", err)
	}
	return upstream.AttributeMap(out.UserAttributes)["sub"], nil
}
