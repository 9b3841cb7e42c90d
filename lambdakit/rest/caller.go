package rest

import (
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Refusal says why a token whose signature is good is not good here. It names no
// claim's value, so that it can be logged and shown.
type Refusal string

// Error is the text that the caller sees.
func (r Refusal) Error() string { return string(r) }

// What can be wrong with a token that the authorizer let through.
const (
	NoToken       Refusal = "The request carries no token."
	NotIDToken    Refusal = "This resource takes an ID token."
	NotAccess     Refusal = "This resource takes an access token."
	OtherClient   Refusal = "The token was issued to another client."
	NotMachine    Refusal = "This resource takes the token of a machine, not of a person."
	ScopeMissing  Refusal = "The token lacks the scope that this resource asks for."
	SubjectAbsent Refusal = "The token names no subject."
)

// Claims are those of a token that the authorizer has verified. API Gateway hands
// every claim over as text.
type Claims map[string]string

// ClaimsOf reads what the authorizer found; it is empty on a route without one.
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

// In tells whether the person is in a group: the whole name, nothing like it.
func (u User) In(group string) bool { return slices.Contains(u.Groups, group) }

// User reads an ID token of one of these clients. The authorizer has checked
// signature, pool and expiry; which kind of token it is and for whom, it does not
// check, or not everywhere.
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

// Machine is a client with credentials of its own and no person.
type Machine struct {
	ClientID string
	Scopes   []string
}

// Machine reads an access token that a client got for itself (client
// credentials) with this scope. A person's access token has a username.
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

// Groups reads the claim cognito:groups, a list made text: "a,b" or "[a b]",
// whichever API Gateway made of it. No group name has a space. One with a comma
// reads as two in the first shape, so none that grants anything has one.
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
