package handler

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/rest"
)

const (
	traceHeader = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0"
	traceID     = "1-5759e988-bd862e3fe1be46a994272793"
)

func newHandler() *Handler {
	return &Handler{Clients: []string{"web", "native"}, Scope: "gatehouse/client", Log: slog.New(slog.DiscardHandler)}
}

func ask(t *testing.T, method, resource string, claims map[string]any, headers ...string) events.APIGatewayProxyResponse {
	t.Helper()
	r := events.APIGatewayProxyRequest{
		Resource: resource, Path: resource, HTTPMethod: method, Headers: map[string]string{},
		StageVariables: map[string]string{
			"allowedOrigins": "https://app.example.com,https://b.example", "signInUrl": "https://signin.example.com", "url": "https://api.example.com",
		},
	}
	if claims != nil {
		r.RequestContext.Authorizer = map[string]any{"claims": claims}
	}
	for i := 0; i < len(headers); i += 2 {
		r.Headers[headers[i]] = headers[i+1]
	}
	answer, err := newHandler().Handle(traced(t), r)
	if err != nil {
		t.Fatalf("Handle: %v", err)
	}
	return answer
}

// traced is the context of a call that is traced.
func traced(t *testing.T) context.Context {
	t.Helper()
	//nolint:staticcheck // aws-lambda-go uses this plain string
	return context.WithValue(t.Context(), "x-amzn-trace-id", traceHeader)
}

// What a token's claims look like behind API Gateway: text, all of them.
func idToken(change ...string) map[string]any {
	return changed(map[string]any{
		"sub": "u-1", "aud": "web", "token_use": "id", "cognito:username": "u-1", "email": "a@example.org", "email_verified": "true",
		"cognito:groups": "auditors,public-app-user", "iss": "https://x", "exp": "Sun Nov 22 20:00:00 UTC 2026", "custom:plan": "gold",
		"cognito:roles": "arn:aws:iam::111122223333:role/x", "jti": "j", "origin_jti": "o", "event_id": "e", "phone_number": "+491",
	}, change)
}

func accessToken(change ...string) map[string]any {
	return changed(map[string]any{
		"sub": "u-1", "client_id": "web", "token_use": "access", "username": "u-1", "scope": "aws.cognito.signin.user.admin",
	}, change)
}

func machineToken(change ...string) map[string]any {
	return changed(map[string]any{
		"sub": "machine", "client_id": "machine", "token_use": "access", "scope": "gatehouse/client",
	}, change)
}

func changed(claims map[string]any, change []string) map[string]any {
	for i := 0; i < len(change); i += 2 {
		claims[change[i]] = change[i+1]
	}
	return claims
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	check := described(t)
	for name, tc := range map[string]struct {
		resource string
		claims   map[string]any
		status   int
		body     string // of a success; of a refusal a part
	}{
		"guest":                       {"/guest", nil, 200, `{"message":"Welcome. This needs no token.","trace_id":"` + traceID + `"}`},
		"guest_with_a_token":          {"/guest", idToken(), 200, `{"message":"Welcome. This needs no token.","trace_id":"` + traceID + `"}`},
		"user":                        {"/user", idToken(), 200, `{"sub":"u-1","client_id":"web","groups":["auditors","public-app-user"],"claims":{"cognito:username":"u-1","email":"a@example.org","email_verified":true},"trace_id":"` + traceID + `"}`},
		"user_without_groups":         {"/user", map[string]any{"sub": "u", "aud": "native", "token_use": "id"}, 200, `{"sub":"u","client_id":"native","groups":[],"claims":{},"trace_id":"` + traceID + `"}`},
		"user_groups_in_brackets":     {"/user", idToken("cognito:groups", "[auditors public-app-user]", "email_verified", "false"), 200, `{"sub":"u-1","client_id":"web","groups":["auditors","public-app-user"],"claims":{"cognito:username":"u-1","email":"a@example.org","email_verified":false},"trace_id":"` + traceID + `"}`},
		"user_without_claims":         {"/user", nil, 401, "no token"},
		"user_with_access_token":      {"/user", accessToken(), 401, "requires an ID token"},
		"user_with_machine_token":     {"/user", machineToken(), 401, "requires an ID token"},
		"user_of_another_client":      {"/user", idToken("aud", "other"), 401, "another client"},
		"user_of_the_machine":         {"/user", idToken("aud", "machine"), 401, "another client"},
		"user_without_subject":        {"/user", idToken("sub", ""), 401, "no subject"},
		"client":                      {"/client", machineToken(), 200, `{"client_id":"machine","scopes":["gatehouse/client"],"trace_id":"` + traceID + `"}`},
		"client_without_claims":       {"/client", nil, 401, "no token"},
		"client_with_id_token":        {"/client", idToken("scope", "gatehouse/client", "client_id", "u-1"), 401, "requires an access token"},
		"client_with_wrong_scope":     {"/client", machineToken("scope", "gatehouse/clients"), 401, "lacks the scope"},
		"client_with_a_persons_token": {"/client", accessToken("scope", "gatehouse/client"), 401, "of a machine"},
		"unknown":                     {"/nope", idToken(), 404, "no such resource"},
		"elsewhere":                   {"/activity", idToken(), 404, "no such resource"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := ask(t, http.MethodGet, tc.resource, tc.claims)
			if a.StatusCode != tc.status || tc.status == 200 && a.Body != tc.body || !strings.Contains(a.Body, tc.body) {
				t.Errorf("%d %s, want %d %s", a.StatusCode, a.Body, tc.status, tc.body)
			}
			if tc.resource != "/nope" && tc.resource != "/activity" {
				check(t, http.MethodGet, tc.resource, a)
			}
			if tc.status != 200 {
				isProblem(t, a)
			}
			if a.Headers["Cache-Control"] != "no-store" {
				t.Errorf("Cache-Control %q", a.Headers["Cache-Control"])
			}
		})
	}
}

func isProblem(t *testing.T, a events.APIGatewayProxyResponse) {
	t.Helper()
	var p rest.Problem
	if err := json.Unmarshal([]byte(a.Body), &p); err != nil {
		t.Fatalf("%v in %s", err, a.Body)
	}
	want := rest.Problem{Type: "about:blank", Title: http.StatusText(a.StatusCode), Status: a.StatusCode, Detail: p.Detail, TraceID: traceID}
	if diff := cmp.Diff(want, p); diff != "" || p.Detail == "" || a.Headers["Content-Type"] != "application/problem+json" {
		t.Errorf("problem (-want +got):\n%s%v", diff, a.Headers)
	}
	challenge := ""
	if a.StatusCode == http.StatusUnauthorized {
		challenge = `Bearer realm="gatehouse"`
	}
	if a.StatusCode == http.StatusUnauthorized && p.Detail != string(rest.NoToken) {
		challenge += `, error="invalid_token"`
	}
	if got := a.Headers["WWW-Authenticate"]; got != challenge {
		t.Errorf("WWW-Authenticate is %q at %d, want %q", got, a.StatusCode, challenge)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	check := described(t)
	for resource := range newHandler().routes() {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "TRACE", "get", ""} {
			a := ask(t, method, resource, idToken())
			if a.StatusCode != http.StatusMethodNotAllowed || a.Headers["Allow"] != "GET, HEAD, OPTIONS" {
				t.Errorf("%s %s: %d, Allow %q", method, resource, a.StatusCode, a.Headers["Allow"])
			}
			isProblem(t, a)
			check(t, http.MethodGet, resource, a)
		}
	}
	get, head := ask(t, "GET", "/user", idToken()), ask(t, "HEAD", "/user", idToken())
	if head.Body != "" || head.StatusCode != get.StatusCode || head.Headers["Content-Type"] != get.Headers["Content-Type"] {
		t.Errorf("HEAD %v, GET %v", head, get)
	}
	if head := ask(t, "HEAD", "/user", accessToken()); head.Body != "" || head.StatusCode != http.StatusUnauthorized {
		t.Errorf("HEAD with a wrong token: %v", head)
	}
}

func TestPreflight(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		resource, header, origin string
		allowed                  bool
	}{
		"listed":             {"/user", "Origin", "https://app.example.com", true},
		"listed_lower_case":  {"/user", "origin", "https://app.example.com", true},
		"elsewhere":          {"/activity/{sub}", "origin", "https://app.example.com", true},
		"other":              {"/user", "Origin", "https://other.example", false},
		"longer":             {"/user", "Origin", "https://app.example.com.other.example", false},
		"part":               {"/user", "Origin", "https://app.example", false},
		"other_scheme":       {"/user", "Origin", "http://app.example.com", false},
		"null":               {"/user", "Origin", "null", false},
		"any":                {"/user", "Origin", "*", false},
		"none":               {"/user", "X-Other", "https://app.example.com", false},
		"elsewhere_unlisted": {"/activity", "Origin", "https://other.example", false},
		"unknown":            {"/{proxy+}", "Origin", "https://app.example.com", true},
		"unknown_unlisted":   {"/{proxy+}", "Origin", "https://other.example", false},
	} {
		a := ask(t, http.MethodOptions, tc.resource, nil, tc.header, tc.origin)
		want := ""
		if tc.allowed {
			want = tc.origin
		}
		if a.StatusCode != http.StatusNoContent || a.Headers["Access-Control-Allow-Origin"] != want || a.Headers["Vary"] != "Origin" {
			t.Errorf("%s: %d %v", name, a.StatusCode, a.Headers)
		}
		if got := strings.Contains(a.Headers["Access-Control-Allow-Headers"], "Authorization"); got != tc.allowed {
			t.Errorf("%s: may send a token: %v", name, got)
		}
		// Methods that answer 405 too: a browser hides the answer of one that is missing.
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
			if got := strings.Contains(a.Headers["Access-Control-Allow-Methods"], method); got != tc.allowed {
				t.Errorf("%s: may send %s: %v", name, method, got)
			}
		}
		if a.Headers["Allow"] != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: Allow %q", name, a.Headers["Allow"])
		}
	}
}

// A refused token leaves one line, which names nobody.
func TestRefusalIsLogged(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	h := newHandler()
	h.Log = slog.New(slog.NewJSONHandler(&out, nil))
	r := events.APIGatewayProxyRequest{Resource: "/user", HTTPMethod: http.MethodGet}
	r.RequestContext.Authorizer = map[string]any{"claims": idToken("aud", "other")}
	if _, err := h.Handle(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	for _, personal := range []string{"u-1", "a@example.org", "other\""} {
		if strings.Contains(out.String(), personal) {
			t.Errorf("the log has %s: %s", personal, out.String())
		}
	}
	if !strings.Contains(out.String(), `"route":"/user"`) || strings.Count(out.String(), "\n") != 1 {
		t.Errorf("log: %s", out.String())
	}
}
