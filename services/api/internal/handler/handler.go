// Package handler answers the REST API's own routes. The gateway's authorizer has
// checked a token's signature, pool, expiry and, if the template requires one, scope.
// This package checks the rest: the kind of the token, because an emulator accepts an
// access token on a route that requires no scope and AWS does not, and the app client
// that it was issued to, which neither checks.
//
// It also serves what describes the API and the events, to anybody.
package handler

import (
	"context"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"gatehouse.example/lambdakit/rest"
	"gatehouse.example/lambdakit/tracing"
)

// The stage's variables. They are settings that reach the function without a new version.
const (
	// originsVariable lists the origins whose pages may send a token, such as
	// https://app.example.com, separated by commas.
	originsVariable = "allowedOrigins"
	signInVariable  = "signInUrl" // the address of the user pool's domain
	urlVariable     = "url"       // the API's address
)

// Handler answers requests of API Gateway.
type Handler struct {
	// Clients are the platform's app clients for people. An ID token for another
	// client was issued to somebody else's app.
	Clients []string
	// Scope is required of a machine's token.
	Scope string
	Log   *slog.Logger
}

// Handle answers one request. It never returns an error: the caller always gets
// problem details and not the gateway's 502.
func (h *Handler) Handle(ctx context.Context, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	var answer events.APIGatewayProxyResponse
	// The resource, not the path: a path can contain a person's id.
	err := tracing.Run(ctx, r.HTTPMethod+" "+r.Resource, func(ctx context.Context) error {
		tracing.Annotate(ctx, "route", r.Resource)
		answer = h.route(ctx, r)
		tracing.Status(ctx, answer.StatusCode)
		return nil
	})
	return answer, err
}

// route selects the resource and checks the method.
func (h *Handler) route(ctx context.Context, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	if r.HTTPMethod == http.MethodOptions {
		return h.preflight(r)
	}
	serve, ok := h.routes()[r.Resource]
	if !ok {
		return rest.Refuse(ctx, http.StatusNotFound, "There is no such resource.")
	}
	switch r.HTTPMethod {
	case http.MethodGet:
		return serve(ctx, r)
	case http.MethodHead:
		answer := serve(ctx, r)
		answer.Body = ""
		return answer
	default:
		return rest.NotAllowed(ctx, allowed()...)
	}
}

// route answers GET of one resource.
type route func(context.Context, events.APIGatewayProxyRequest) events.APIGatewayProxyResponse

// routes are the resources that this function answers.
func (h *Handler) routes() map[string]route {
	return map[string]route{
		"/catalogue":      h.catalogue,
		"/client":         h.client,
		"/guest":          h.guest,
		"/openapi.json":   h.openAPI,
		"/schemas":        h.schemas,
		"/schemas/{name}": h.schema,
		"/user":           h.user,
	}
}

// allowed are the methods of every resource.
func allowed() []string { return []string{http.MethodGet, http.MethodHead, http.MethodOptions} }

// refuse answers 401 to a valid token that is not accepted here.
func (h *Handler) refuse(ctx context.Context, r events.APIGatewayProxyRequest, reason error) events.APIGatewayProxyResponse {
	h.Log.WarnContext(ctx, "token refused", "route", r.Resource, "reason", reason.Error(), "traceId", tracing.ID(ctx))
	return rest.Unauthorized(ctx, reason)
}

// preflight answers a browser that asks before it sends a token, for every path: those of
// other functions and those that do not exist. It returns the origin only if it is one of
// those in the template. Otherwise the browser does not send the request, so the responses
// need no check of their own.
func (h *Handler) preflight(r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	answer := rest.Empty(http.StatusNoContent, map[string]string{"Allow": strings.Join(allowed(), ", "), "Vary": "Origin"})
	delete(answer.Headers, "Access-Control-Allow-Origin")
	delete(answer.Headers, "Access-Control-Expose-Headers")
	origin := header(r, "Origin")
	if origin == "" || !slices.Contains(strings.Split(r.StageVariables[originsVariable], ","), origin) {
		return answer
	}
	answer.Headers["Access-Control-Allow-Origin"] = origin
	// More than what a resource allows: a browser hides the 405 of a method that is missing here.
	answer.Headers["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS, POST, PUT, PATCH, DELETE"
	answer.Headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, If-None-Match, X-Amzn-Trace-Id"
	answer.Headers["Access-Control-Max-Age"] = "600"
	return answer
}

// header reads a header, whatever the case of its name.
func header(r events.APIGatewayProxyRequest, name string) string {
	for have, value := range r.Headers {
		if strings.EqualFold(have, name) {
			return value
		}
	}
	return ""
}

// Guest is the response to anybody.
type Guest struct {
	Message string `json:"message"`
	TraceID string `json:"trace_id,omitempty"`
}

func (h *Handler) guest(ctx context.Context, _ events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	return rest.JSON(ctx, Guest{Message: "Welcome. This needs no token.", TraceID: tracing.ID(ctx)})
}

// Person is the response to a person: who they are according to the token.
type Person struct {
	Sub      string         `json:"sub"`
	ClientID string         `json:"client_id"`
	Groups   []string       `json:"groups"`
	Claims   map[string]any `json:"claims"`
	TraceID  string         `json:"trace_id,omitempty"`
}

func (h *Handler) user(ctx context.Context, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	claims := rest.ClaimsOf(r)
	user, err := claims.User(h.Clients)
	if err != nil {
		return h.refuse(ctx, r, err)
	}
	tracing.Annotate(ctx, "client", user.ClientID)
	return rest.JSON(ctx, Person{
		Sub: user.Sub, ClientID: user.ClientID, Groups: append([]string{}, user.Groups...),
		Claims: profile(claims), TraceID: tracing.ID(ctx),
	})
}

// profile returns the claims about the person. The others are about the token, or are
// custom attributes, which an app may not want to show.
func profile(claims rest.Claims) map[string]any {
	out := map[string]any{}
	for _, name := range []string{
		"cognito:username", "email", "family_name", "given_name", "locale", "name", "nickname", "preferred_username", "zoneinfo",
	} {
		if value, ok := claims[name]; ok {
			out[name] = value
		}
	}
	if value, ok := claims["email_verified"]; ok {
		out["email_verified"] = value == "true"
	}
	return out
}

// Client is the response to a machine.
type Client struct {
	ClientID string   `json:"client_id"`
	Scopes   []string `json:"scopes"`
	TraceID  string   `json:"trace_id,omitempty"`
}

func (h *Handler) client(ctx context.Context, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	machine, err := rest.ClaimsOf(r).Machine(h.Scope)
	if err != nil {
		return h.refuse(ctx, r, err)
	}
	tracing.Annotate(ctx, "client", machine.ClientID)
	return rest.JSON(ctx, Client{ClientID: machine.ClientID, Scopes: machine.Scopes, TraceID: tracing.ID(ctx)})
}
