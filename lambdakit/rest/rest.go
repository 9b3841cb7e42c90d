// Package rest has what all functions behind the REST API share: it reads the caller
// from the authorizer's claims, checks what the authorizer does not check, and
// answers with the same headers and problem details. The gateway's own errors, which
// services/api defines, have the same shape.
package rest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"gatehouse.example/lambdakit/tracing"
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

// Problem is an error response as in RFC 9457, application/problem+json. Its type is
// always the default, about:blank, because the status says what kind of error it is.
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail is for the person who reads it; no personal data, no internals.
	Detail string `json:"detail,omitempty"`
	// TraceID finds the request in X-Ray and in the logs.
	TraceID string `json:"trace_id,omitempty"`
}

// JSON answers 200 with a body.
func JSON(ctx context.Context, body any) events.APIGatewayProxyResponse {
	raw, err := json.Marshal(body)
	if err != nil {
		return Refuse(ctx, http.StatusInternalServerError, "The response could not be written.")
	}
	return Raw(http.StatusOK, "application/json", raw)
}

// challenge names the scheme. RFC 6750, 3, wants a parameter after it.
const challenge = `Bearer realm="gatehouse"`

// Unauthorized answers 401 with the reason for which a token is not accepted. A request
// without a token gets no error code (RFC 6750, 3.1).
func Unauthorized(ctx context.Context, reason error) events.APIGatewayProxyResponse {
	answer := Refuse(ctx, http.StatusUnauthorized, reason.Error())
	if !errors.Is(reason, NoToken) {
		answer.Headers["WWW-Authenticate"] = challenge + `, error="invalid_token"`
	}
	return answer
}

// Raw answers with an encoded body.
func Raw(status int, mediaType string, body []byte) events.APIGatewayProxyResponse {
	h := headers()
	h["Content-Type"] = mediaType
	return events.APIGatewayProxyResponse{StatusCode: status, Headers: h, Body: string(body)}
}

// Empty answers without a body, and with additional headers.
func Empty(status int, more map[string]string) events.APIGatewayProxyResponse {
	h := headers()
	maps.Copy(h, more)
	return events.APIGatewayProxyResponse{StatusCode: status, Headers: h}
}

// Refuse answers with a problem.
func Refuse(ctx context.Context, status int, detail string) events.APIGatewayProxyResponse {
	p := Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, TraceID: tracing.ID(ctx)}
	raw, _ := json.Marshal(p) // strings and a number only
	answer := Raw(status, "application/problem+json", raw)
	if status == http.StatusUnauthorized {
		// AWS renames this header when it comes from a function; in its own errors it is set.
		answer.Headers["WWW-Authenticate"] = challenge
	}
	return answer
}

// NotAllowed answers 405 and names the methods that the resource allows.
func NotAllowed(ctx context.Context, allow ...string) events.APIGatewayProxyResponse {
	answer := Refuse(ctx, http.StatusMethodNotAllowed, "This resource allows "+strings.Join(allow, ", ")+".")
	answer.Headers["Allow"] = strings.Join(allow, ", ")
	return answer
}

// exposed are the headers that a page of another origin may read. AWS renames
// WWW-Authenticate in the response of a function.
const exposed = "Allow, ETag, Retry-After, WWW-Authenticate, X-Amzn-Remapped-WWW-Authenticate, X-Amzn-Trace-Id"

// headers are in every response. It is about one caller, so it must not be cached,
// and it is not a page, so browsers must not run or frame it. Any origin may read
// it, because a browser sends no token by itself. The response to the preflight
// request, in services/api, decides which origins may send one.
func headers() map[string]string {
	return map[string]string{
		"Access-Control-Allow-Origin":   "*",
		"Access-Control-Expose-Headers": exposed,
		"Cache-Control":                 "no-store",
		"Content-Security-Policy":       "default-src 'none'; frame-ancestors 'none'",
		"Referrer-Policy":               "no-referrer",
		"Strict-Transport-Security":     "max-age=63072000",
		"X-Content-Type-Options":        "nosniff",
	}
}
