package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// reply is an answer of the API, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// problem is an error answer, RFC 9457.
type problem struct {
	Type, Title, Detail string
	Status              int
	TraceID             string `json:"trace_id"`
}

// call is ask with any method, more headers, and all of the answer.
func (s *system) call(t *testing.T, method, path, token string, headers ...string) reply {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), method, s.env["API_URL"]+path, nil))(t)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	answer := must(http.DefaultClient.Do(req))(t)
	defer answer.Body.Close()
	return reply{answer.StatusCode, answer.Header, string(must(io.ReadAll(answer.Body))(t))}
}

// refused holds that an answer is a problem of this status, names its trace once
// in the header and once in the body, and repeats nothing of the token.
func (r reply) refused(t *testing.T, status int, token string) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Fatalf("%d, %v in %q", r.status, err, r.body)
	}
	if r.status != status || p.Status != status || p.Title != http.StatusText(status) || p.Type != "about:blank" || p.Detail == "" {
		t.Errorf("%d %s, want a problem of status %d", r.status, r.body, status)
	}
	if r.header.Get("Content-Type") != "application/problem+json" || r.header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", r.header)
	}
	if p.TraceID == "" || !strings.HasPrefix(r.header.Get("X-Amzn-Trace-Id"), "Root="+p.TraceID) {
		t.Errorf("trace %q in the body, %q in the header", p.TraceID, r.header.Get("X-Amzn-Trace-Id"))
	}
	if got := strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Bearer"); got != (status == http.StatusUnauthorized) {
		t.Errorf("WWW-Authenticate %q at %d", r.header.Get("WWW-Authenticate"), status)
	}
	if token != "" && (strings.Contains(r.body, token) || strings.Contains(r.body, "ey")) {
		t.Error("the answer repeats the token")
	}
	return p
}

// accepted holds that an answer is a success and reads it.
func (r reply) accepted(t *testing.T, into any) {
	t.Helper()
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/json" || r.header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", r.status, r.header, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), into); err != nil {
		t.Fatalf("%v in %s", err, r.body)
	}
}

// TestGuestsNeedNoToken and are told their trace.
func TestGuestsNeedNoToken(t *testing.T) {
	t.Parallel()
	s := start(t)
	var guest struct {
		Message string
		TraceID string `json:"trace_id"`
	}
	answer := s.call(t, http.MethodGet, "/guest", "")
	answer.accepted(t, &guest)
	if guest.Message == "" || guest.TraceID == "" || !strings.Contains(answer.header.Get("X-Amzn-Trace-Id"), guest.TraceID) {
		t.Errorf("%s with %v", answer.body, answer.header)
	}
	// A trace that the caller began goes on.
	const mine = "1-5759e988-bd862e3fe1be46a994272793"
	s.call(t, http.MethodGet, "/guest", "", "X-Amzn-Trace-Id", "Root="+mine+";Sampled=0").accepted(t, &guest)
	if guest.TraceID != mine {
		t.Errorf("trace %s, want %s", guest.TraceID, mine)
	}
}

// TestUserRouteReturnsClaimsAndGroups with claims and groups, and nothing that is the
// token's own business.
func TestUserRouteReturnsClaimsAndGroups(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	for _, group := range []string{"auditors", "public-app-user"} {
		must(p.c.cognito.AdminAddUserToGroup(t.Context(), &cognito.AdminAddUserToGroupInput{
			UserPoolId: s.pool(), Username: &p.email, GroupName: aws.String(group),
		}))(t)
	}
	tokens := p.tokens(t)
	var user struct {
		Sub      string
		ClientID string `json:"client_id"`
		Groups   []string
		Claims   map[string]any
	}
	answer := s.call(t, http.MethodGet, "/user", aws.ToString(tokens.IdToken))
	answer.accepted(t, &user)
	slices.Sort(user.Groups)
	if user.Sub != p.sub || user.ClientID != s.env["NATIVE_CLIENT_ID"] || !slices.Equal(user.Groups, []string{"auditors", "public-app-user"}) ||
		user.Claims["email"] != p.email || user.Claims["email_verified"] != true {
		t.Errorf("%s", answer.body)
	}
	for _, internal := range []string{"jti", "exp", "auth_time", "event_id", "token_use", "iss"} {
		if _, told := user.Claims[internal]; told {
			t.Errorf("the answer has %s", internal)
		}
	}
	if head := s.call(t, http.MethodHead, "/user", aws.ToString(tokens.IdToken)); head.status != http.StatusOK || head.body != "" {
		t.Errorf("HEAD: %d %q", head.status, head.body)
	}
}

// TestClientRouteReturnsScopes and have no person.
func TestClientRouteReturnsScopes(t *testing.T) {
	t.Parallel()
	s := start(t)
	var client struct {
		ClientID string `json:"client_id"`
		Scopes   []string
	}
	config := s.machine("gatehouse/client")
	s.call(t, http.MethodGet, "/client", must(config.Token(t.Context()))(t).AccessToken).accepted(t, &client)
	if client.ClientID != s.env["MACHINE_CLIENT_ID"] || !slices.Equal(client.Scopes, []string{"gatehouse/client"}) {
		t.Errorf("%+v", client)
	}
}

// TestUnknownRoutesAndMethods is a problem too, with or without a token.
func TestUnknownRoutesAndMethods(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := aws.ToString(s.member(t).tokens(t).IdToken)
	for _, path := range []string{"", "/", "/nope", "/guest/more", "/USER", "/user/..%2fguest", "/activity/a/b"} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete} {
			s.call(t, method, path, "").refused(t, http.StatusNotFound, "")
			s.call(t, method, path, token).refused(t, http.StatusNotFound, token)
		}
	}
	answer := s.call(t, http.MethodPost, "/nope", "", "Content-Type", "text/plain")
	answer.refused(t, http.StatusNotFound, "")
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		answer := s.call(t, method, "/guest", "")
		answer.refused(t, http.StatusMethodNotAllowed, "")
		if answer.header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: Allow %q", method, answer.header.Get("Allow"))
		}
		s.call(t, method, "/user", "").refused(t, http.StatusUnauthorized, "")
		s.call(t, method, "/user", token).refused(t, http.StatusMethodNotAllowed, token)
	}
}

// TestCORSAllowsListedOriginsOnly only: a preflight has no token, and what it
// is answered decides whether the browser sends one.
func TestCORSAllowsListedOriginsOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, path := range []string{"/guest", "/user", "/client", "/activity", "/activity/x"} {
		for origin, allowed := range map[string]bool{
			"http://localhost:8400": true, "http://127.0.0.1:8400": true, "https://evil.example": false, "null": false, "http://localhost:84000": false,
		} {
			answer := s.call(t, http.MethodOptions, path, "", "Origin", origin, "Access-Control-Request-Method", "GET",
				"Access-Control-Request-Headers", "authorization")
			got := answer.header.Get("Access-Control-Allow-Origin") == origin &&
				strings.Contains(answer.header.Get("Access-Control-Allow-Headers"), "Authorization")
			if answer.status != http.StatusNoContent || got != allowed || !allowed && answer.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s from %s: %d %v", path, origin, answer.status, answer.header)
			}
		}
	}
}

// TestOpenAPIDescription at the address that it has.
func TestOpenAPIDescription(t *testing.T) {
	t.Parallel()
	s := start(t)
	var doc struct {
		OpenAPI string
		Servers []struct{ URL string }
		Paths   map[string]any
	}
	s.call(t, http.MethodGet, "/openapi.json", "").accepted(t, &doc)
	if doc.OpenAPI != "3.1.0" || len(doc.Servers) != 1 || doc.Servers[0].URL != s.env["API_URL"] || len(doc.Paths) != 6 {
		t.Errorf("%+v", doc)
	}
}

// TestAPILogsHaveNoPersonalData: neither token nor address nor sub.
func TestAPILogsHaveNoPersonalData(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	tokens := p.tokens(t)
	s.call(t, http.MethodGet, "/user", aws.ToString(tokens.IdToken)).accepted(t, &struct{}{})
	refused := s.call(t, http.MethodGet, "/user", aws.ToString(tokens.AccessToken)).refused(t, http.StatusUnauthorized, aws.ToString(tokens.AccessToken))
	eventually(t, soon, "the refusal in the log", func() bool { return strings.Contains(s.logsOf(t, "/gatehouse/local/api/"), refused.TraceID) })
	for _, secret := range []string{aws.ToString(tokens.IdToken), aws.ToString(tokens.AccessToken), p.local, p.sub} {
		if strings.Contains(s.logsOf(t, "/gatehouse/local/api/"), secret) {
			t.Errorf("the log of the API has %.12s", secret)
		}
	}
}
