// Package rest has what all functions behind the REST API share: it reads the caller
// from the authorizer's claims, checks what the authorizer does not check, and
// answers with the same headers and problem details. The gateway's own errors, which
// services/api defines, have the same shape.
package rest

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"gatehouse.example/lambdakit/tracing"
)

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
		answer.Headers["WWW-Authenticate"] = `Bearer error="invalid_token"`
	}
	return answer
}

// NotAllowed answers 405 and names the methods that the resource allows.
func NotAllowed(ctx context.Context, allow ...string) events.APIGatewayProxyResponse {
	answer := Refuse(ctx, http.StatusMethodNotAllowed, "This resource allows "+strings.Join(allow, ", ")+".")
	answer.Headers["Allow"] = strings.Join(allow, ", ")
	return answer
}

// headers are in every response. It is about one caller, so it must not be cached,
// and it is not a page, so browsers must not run or frame it. Any origin may read
// it, because a browser sends no token by itself. The response to the preflight
// request, in services/api, decides which origins may send one.
func headers() map[string]string {
	return map[string]string{
		"Access-Control-Allow-Origin":   "*",
		"Access-Control-Expose-Headers": "WWW-Authenticate, X-Amzn-Trace-Id",
		"Cache-Control":                 "no-store",
		"Content-Security-Policy":       "default-src 'none'; frame-ancestors 'none'",
		"Referrer-Policy":               "no-referrer",
		"Strict-Transport-Security":     "max-age=63072000",
		"X-Content-Type-Options":        "nosniff",
	}
}
