package rest

import (
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Refusal says why a token with a valid signature is not accepted here. It contains
// no value of a claim, so that it can be logged and shown.
type Refusal string

// Error is the text that the caller sees.
func (r Refusal) Error() string { return string(r) }

// The refusals of a token that the authorizer accepted.
const (
	NoToken       Refusal = "The request has no token."
	NotIDToken    Refusal = "This resource requires an ID token."
	NotAccess     Refusal = "This resource requires an access token."
	OtherClient   Refusal = "The token was issued to another client."
	NotMachine    Refusal = "This resource requires the token of a machine, not of a person."
	ScopeMissing  Refusal = "The token lacks the scope that this resource requires."
	SubjectAbsent Refusal = "The token has no subject."
)

// Claims are those of a token that the authorizer has verified. API Gateway passes
// every claim as text.
type Claims map[string]string

// ClaimsOf reads the claims from a request. They are empty on a route without an
// authorizer.
func ClaimsOf(r events.APIGatewayProxyRequest) Claims {
	found, _ := r.RequestContext.Authorizer["claims"].(map[string]any)
	claims := Claims{}
	for name, value := range found {
		if text, ok := value.(string); ok {
			claims[name] = text
		}
	}
	return claims
}

// User is a person with an ID token.
type User struct {
	Sub      string
	ClientID string
	Groups   []string
}

// In reports whether the person is in a group.
func (u User) In(group string) bool { return slices.Contains(u.Groups, group) }

// User reads an ID token of one of these app clients. The authorizer has checked
// signature, pool and expiry. It does not check, or not everywhere, the kind of the
// token and its client.
func (c Claims) User(clients []string) (User, error) {
	switch {
	case len(c) == 0:
		return User{}, NoToken
	case c["token_use"] != "id":
		return User{}, NotIDToken
	case c["aud"] == "" || !slices.Contains(clients, c["aud"]):
		return User{}, OtherClient
	case c["sub"] == "":
		return User{}, SubjectAbsent
	}
	return User{Sub: c["sub"], ClientID: c["aud"], Groups: Groups(c["cognito:groups"])}, nil
}

// Machine is an app client with its own credentials and without a person.
type Machine struct {
	ClientID string
	Scopes   []string
}

// Machine reads an access token with this scope that an app client got for itself
// (client credentials). A person's access token has a username.
func (c Claims) Machine(scope string) (Machine, error) {
	scopes := strings.Fields(c["scope"])
	switch {
	case len(c) == 0:
		return Machine{}, NoToken
	case c["token_use"] != "access":
		return Machine{}, NotAccess
	case c["client_id"] == "" || c["username"] != "" || c["sub"] != c["client_id"]:
		return Machine{}, NotMachine
	case !slices.Contains(scopes, scope):
		return Machine{}, ScopeMissing
	}
	return Machine{ClientID: c["client_id"], Scopes: scopes}, nil
}

// Groups reads the claim cognito:groups, which API Gateway passes as "a,b" or as
// "[a b]". Group names have no spaces. A name with a comma would be read as two in
// the first form, so no group that grants anything has one.
func Groups(claim string) []string {
	separator := func(r rune) bool { return r == ',' }
	if strings.HasPrefix(claim, "[") && strings.HasSuffix(claim, "]") {
		claim = claim[1 : len(claim)-1]
		separator = func(r rune) bool { return r == ' ' }
	}
	groups := strings.FieldsFunc(claim, separator)
	for i := range groups {
		groups[i] = strings.TrimSpace(groups[i])
	}
	return slices.DeleteFunc(groups, func(g string) bool { return g == "" })
}
