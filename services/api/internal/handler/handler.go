// Package handler answers the REST API's own routes. The gateway's authorizer has
// checked a token's signature, pool, expiry and, where the template asks for one,
// scope, before a request gets here; this package checks what is left: the kind of
// the token, and which client it was issued to. Emulator and AWS differ in the
// first (an emulator lets access tokens pass where no scope is asked for), and
// neither checks the second.
package handler

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"gatehouse.example/lambdakit/rest"
	"gatehouse.example/lambdakit/tracing"
)

// Handler answers requests of API Gateway.
type Handler struct {
	// Clients are the platform's clients for people: an ID token for another one is
	// a token that somebody else's app was given.
	Clients []string
	// Scope is what a machine's token must have.
	Scope string
	// Origins are those whose pages may send a token, such as https://app.example.com.
	Origins []string
	// Document is the OpenAPI description.
	Document []byte
	Log      *slog.Logger
}

// Handle answers one request. It never returns an error: whatever happens, the
// caller gets a problem and not the gateway's 502.
func (h *Handler) Handle(ctx context.Context, r events.APIGatewayProxyRequest) (events.APIGatewayProxyResponse, error) {
	var answer events.APIGatewayProxyResponse
	// The resource, not the path: a path can hold a person's id.
	err := tracing.Run(ctx, r.HTTPMethod+" "+r.Resource, func(ctx context.Context) error {
		tracing.Annotate(ctx, "route", r.Resource)
		answer = h.route(ctx, r)
		tracing.Status(ctx, answer.StatusCode)
		return nil
	})
	return answer, err
}

// route finds out what is asked for, and whether the method fits.
func (h *Handler) route(ctx context.Context, r events.APIGatewayProxyRequest) events.APIGatewayProxyResponse {
	if r.HTTPMethod == http.MethodOptions && elsewhere(r.Resource) {
		return h.preflight(r, http.MethodGet, http.MethodHead)
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
	case http.MethodOptions:
		return h.preflight(r, http.MethodGet, http.MethodHead)
	default:
		return rest.NotAllowed(ctx, http.MethodGet, http.MethodHead, http.MethodOptions)
	}
}

// route answers GET of one resource.
type route func(context.Context, events.APIGatewayProxyRequest) events.APIGatewayProxyResponse

// routes are the resources that this function answers.
func (h *Handler) routes() map[string]route {
	return map[string]route{
		"/guest":        h.guest,
		"/user":         h.user,
		"/client":       h.client,
		"/openapi.json": h.openAPI,
	}
}

// elsewhere tells whether another service's function answers the resource; only a
// browser's question whether it may ask arrives here.
func elsewhere(resource string) bool {
	return resource == "/activity" || strings.HasPrefix(resource, "/activity/")
}

// refuse answers 401 to a token that is good, but not here.
func (h *Handler) refuse(ctx context.Context, r events.APIGatewayProxyRequest, reason error) events.APIGatewayProxyResponse {
	h.Log.WarnContext(ctx, "token refused", "route", r.Resource, "reason", reason.Error(), "traceId", tracing.ID(ctx))
	return rest.Refuse(ctx, http.StatusUnauthorized, reason.Error())
}
