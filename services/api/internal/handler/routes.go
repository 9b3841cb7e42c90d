package handler

import (
	"context"
	"net/http"

	"github.com/aws/aws-lambda-go/events"

	"gatehouse.example/lambdakit/rest"
	"gatehouse.example/lambdakit/tracing"
)

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

func (h *Handler) openAPI(context.Context, events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	return rest.Raw(http.StatusOK, "application/json", h.Document)
}
