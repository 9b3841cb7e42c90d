package handler

import (
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"gatehouse.example/lambdakit/rest"
)

// preflight answers a browser that asks before it sends a token. It returns the origin
// only if it is one of those in the template. Otherwise the browser does not send the
// request, so the responses need no check of their own.
func (h *Handler) preflight(r events.APIGatewayProxyRequest, methods ...string) events.APIGatewayProxyResponse {
	methods = append(methods, http.MethodOptions)
	answer := rest.Empty(http.StatusNoContent, map[string]string{"Allow": strings.Join(methods, ", "), "Vary": "Origin"})
	delete(answer.Headers, "Access-Control-Allow-Origin")
	delete(answer.Headers, "Access-Control-Expose-Headers")
	origin := header(r, "Origin")
	if origin == "" || !slices.Contains(h.Origins, origin) {
		return answer
	}
	answer.Headers["Access-Control-Allow-Origin"] = origin
	answer.Headers["Access-Control-Allow-Methods"] = strings.Join(methods, ", ")
	answer.Headers["Access-Control-Allow-Headers"] = "Authorization, Content-Type, X-Amzn-Trace-Id"
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
