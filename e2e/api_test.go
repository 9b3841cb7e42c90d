package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"gatehouse.example/tools/actors"
)

// reply is an answer of the API.
type reply struct{ actors.Answer }

// problem is an error answer, RFC 9457.
type problem struct {
	Type, Title, Detail string
	Status              int
	TraceID             string `json:"trace_id"`
}

// call sends a request with more headers: names and values in turn.
func (s *system) call(t *testing.T, method, path, token string, headers ...string) reply {
	t.Helper()
	return reply{must(s.api().Do(t.Context(), method, path, token, headers...))(t)}
}

// refused checks that an answer is a problem of this status, names its trace once in
// the header and once in the body, and repeats nothing of the token.
func (r reply) refused(t *testing.T, status int, token string) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(r.Body, &p); err != nil {
		t.Fatalf("%d, %v in %q", r.Status, err, r.Body)
	}
	if r.Status != status || p.Status != status || p.Title != http.StatusText(status) || p.Type != "about:blank" || p.Detail == "" {
		t.Errorf("%d %s, want a problem of status %d", r.Status, r.Body, status)
	}
	if r.Header.Get("Content-Type") != "application/problem+json" || r.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("headers %v", r.Header)
	}
	if p.TraceID == "" || !strings.HasPrefix(r.Header.Get("X-Amzn-Trace-Id"), "Root="+p.TraceID) {
		t.Errorf("trace %q in the body, %q in the header", p.TraceID, r.Header.Get("X-Amzn-Trace-Id"))
	}
	if got := strings.HasPrefix(r.Header.Get("WWW-Authenticate"), "Bearer"); got != (status == http.StatusUnauthorized) {
		t.Errorf("WWW-Authenticate %q at %d", r.Header.Get("WWW-Authenticate"), status)
	}
	if token != "" && (bytes.Contains(r.Body, []byte(token)) || bytes.Contains(r.Body, []byte("ey"))) {
		t.Error("the answer repeats the token")
	}
	return p
}

// accepted checks that an answer is a success and reads it.
func (r reply) accepted(t *testing.T, into any) {
	t.Helper()
	if r.Status != http.StatusOK || r.Header.Get("Content-Type") != "application/json" || r.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v %s", r.Status, r.Header, r.Body)
	}
	if err := json.Unmarshal(r.Body, into); err != nil {
		t.Fatalf("%v in %s", err, r.Body)
	}
}

// TestGuestsNeedNoToken and get the id of their trace.
func TestGuestsNeedNoToken(t *testing.T) {
	t.Parallel()
	s := start(t)
	var guest struct {
		Message string
		TraceID string `json:"trace_id"`
	}
	answer := s.call(t, http.MethodGet, "/guest", "")
	answer.accepted(t, &guest)
	if guest.Message == "" || guest.TraceID == "" || !strings.Contains(answer.Header.Get("X-Amzn-Trace-Id"), guest.TraceID) {
		t.Errorf("%s with %v", answer.Body, answer.Header)
	}
	// The caller's trace is continued.
	const mine = "1-5759e988-bd862e3fe1be46a994272793"
	s.call(t, http.MethodGet, "/guest", "", "X-Amzn-Trace-Id", "Root="+mine+";Sampled=0").accepted(t, &guest)
	if guest.TraceID != mine {
		t.Errorf("trace %s, want %s", guest.TraceID, mine)
	}
}

// TestUserRouteReturnsClaimsAndGroups, and nothing that is internal to the token.
func TestUserRouteReturnsClaimsAndGroups(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	for _, group := range []string{"auditors", "public-app-user"} {
		must(p.c.cognito.AdminAddUserToGroup(t.Context(), &cognito.AdminAddUserToGroupInput{
			UserPoolId: s.pool(), Username: &p.Email, GroupName: aws.String(group),
		}))(t)
	}
	tokens := p.tokens(t)
	var user struct {
		Sub      string
		ClientID string `json:"client_id"`
		Groups   []string
		Claims   map[string]any
	}
	answer := s.call(t, http.MethodGet, "/user", tokens.id)
	answer.accepted(t, &user)
	slices.Sort(user.Groups)
	if user.Sub != p.Sub || user.ClientID != s.env["NATIVE_CLIENT_ID"] || !slices.Equal(user.Groups, []string{"auditors", "public-app-user"}) ||
		user.Claims["email"] != p.Email || user.Claims["email_verified"] != true {
		t.Errorf("%s", answer.Body)
	}
	for _, internal := range []string{"jti", "exp", "auth_time", "event_id", "token_use", "iss"} {
		if _, found := user.Claims[internal]; found {
			t.Errorf("the answer has %s", internal)
		}
	}
	if head := s.call(t, http.MethodHead, "/user", tokens.id); head.Status != http.StatusOK || len(head.Body) > 0 {
		t.Errorf("HEAD: %d %q", head.Status, head.Body)
	}
}

// TestClientRouteReturnsScopes of the machine client.
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

// TestUnknownRoutesAndMethods are problems too, with or without a token.
func TestUnknownRoutesAndMethods(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := s.member(t).tokens(t).id
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
		if answer.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%s: Allow %q", method, answer.Header.Get("Allow"))
		}
		s.call(t, method, "/user", "").refused(t, http.StatusUnauthorized, "")
		s.call(t, method, "/user", token).refused(t, http.StatusMethodNotAllowed, token)
	}
}

// TestCORSAllowsListedOriginsOnly: a preflight has no token, and the answer to it
// decides whether the browser sends one.
func TestCORSAllowsListedOriginsOnly(t *testing.T) {
	t.Parallel()
	s := start(t)
	for _, path := range []string{"/guest", "/user", "/client", "/activity", "/activity/x", "/schemas", "/nope", "/nope/more"} {
		for origin, allowed := range map[string]bool{
			"http://localhost:8400": true, "http://127.0.0.1:8400": true, "https://evil.example": false, "null": false, "http://localhost:84000": false,
		} {
			answer := s.call(t, http.MethodOptions, path, "", "Origin", origin, "Access-Control-Request-Method", "GET",
				"Access-Control-Request-Headers", "authorization")
			got := answer.Header.Get("Access-Control-Allow-Origin") == origin &&
				strings.Contains(answer.Header.Get("Access-Control-Allow-Headers"), "Authorization")
			if answer.Status != http.StatusNoContent || got != allowed || !allowed && answer.Header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s from %s: %d %v", path, origin, answer.Status, answer.Header)
			}
		}
	}
}

// TestOpenAPIDescription names the address that the API has.
func TestOpenAPIDescription(t *testing.T) {
	t.Parallel()
	s := start(t)
	var doc struct {
		OpenAPI string
		Servers []struct{ URL string }
		Paths   map[string]any

		Components struct {
			SecuritySchemes struct {
				Machine struct {
					Flows struct{ ClientCredentials struct{ TokenURL string } }
				}
			}
		}
	}
	s.call(t, http.MethodGet, "/openapi.json", "").accepted(t, &doc)
	if doc.OpenAPI != "3.1.0" || len(doc.Servers) != 1 || doc.Servers[0].URL != s.env["API_URL"] || len(doc.Paths) != 9 {
		t.Errorf("%+v", doc)
	}
	if got, want := doc.Components.SecuritySchemes.Machine.Flows.ClientCredentials.TokenURL, s.env["HOSTED_UI_URL"]+"/oauth2/token"; got != want {
		t.Errorf("tokenUrl is %s, want %s, where the machine gets its token", got, want)
	}
}

// TestAPILogsHaveNoPersonalData: no token, address or sub.
func TestAPILogsHaveNoPersonalData(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	tokens := p.tokens(t)
	s.call(t, http.MethodGet, "/user", tokens.id).accepted(t, &struct{}{})
	refused := s.call(t, http.MethodGet, "/user", tokens.access).refused(t, http.StatusUnauthorized, tokens.access)
	eventually(t, "the refusal in the log", func() bool { return strings.Contains(s.logsOf(t, "/gatehouse/local/api/"), refused.TraceID) })
	for _, secret := range []string{tokens.id, tokens.access, p.local, p.Sub} {
		if strings.Contains(s.logsOf(t, "/gatehouse/local/api/"), secret) {
			t.Errorf("the log of the API has %.12s", secret)
		}
	}
}
