package rest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/rest"
)

func TestUser(t *testing.T) {
	t.Parallel()
	good := rest.Claims{"token_use": "id", "aud": "web", "sub": "s", "cognito:groups": "auditors,staff"}
	with := func(name, value string) rest.Claims {
		c := rest.Claims{}
		for k, v := range good {
			c[k] = v
		}
		c[name] = value
		return c
	}
	for name, tc := range map[string]struct {
		claims rest.Claims
		want   error
	}{
		"good":                 {good, nil},
		"no_claims":            {rest.Claims{}, rest.NoToken},
		"access_token":         {with("token_use", "access"), rest.NotIDToken},
		"kind_unknown":         {with("token_use", ""), rest.NotIDToken},
		"kind_in_upper_case":   {with("token_use", "ID"), rest.NotIDToken},
		"other_client":         {with("aud", "other"), rest.OtherClient},
		"part_of_a_client":     {with("aud", "we"), rest.OtherClient},
		"no_client":            {with("aud", ""), rest.OtherClient},
		"client_in_wrong_case": {with("aud", "WEB"), rest.OtherClient},
		"no_subject":           {with("sub", ""), rest.SubjectAbsent},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// The empty name stands for a parameter that was left empty.
			u, err := tc.claims.User([]string{"web", "native", ""})
			if !errors.Is(err, tc.want) {
				t.Fatalf("error %v, want %v", err, tc.want)
			}
			if err != nil && u.Sub != "" {
				t.Errorf("a refused token names %v", u)
			}
			if err == nil && (!u.In("auditors") || u.In("audit") || u.In("AUDITORS") || u.In("")) {
				t.Errorf("groups %q", u.Groups)
			}
		})
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	machine := func(change ...string) rest.Claims {
		c := rest.Claims{"token_use": "access", "client_id": "m", "sub": "m", "scope": "gatehouse/other gatehouse/client"}
		for i := 0; i < len(change); i += 2 {
			c[change[i]] = change[i+1]
		}
		return c
	}
	for name, tc := range map[string]struct {
		claims rest.Claims
		want   error
	}{
		"good":                  {machine(), nil},
		"no_claims":             {nil, rest.NoToken},
		"id_token":              {machine("token_use", "id"), rest.NotAccess},
		"person_with_the_scope": {machine("username", "u", "sub", "s"), rest.NotMachine},
		"person_without_name":   {machine("sub", "s"), rest.NotMachine},
		"no_client":             {machine("client_id", "", "sub", ""), rest.NotMachine},
		"other_scope":           {machine("scope", "gatehouse/other"), rest.ScopeMissing},
		"longer_scope":          {machine("scope", "gatehouse/client2"), rest.ScopeMissing},
		"scope_inside_another":  {machine("scope", "x/gatehouse/client"), rest.ScopeMissing},
		"no_scope":              {machine("scope", ""), rest.ScopeMissing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := tc.claims.Machine("gatehouse/client")
			if !errors.Is(err, tc.want) || (err == nil) != (m.ClientID == "m") {
				t.Errorf("%v, %v, want error %v", m, err, tc.want)
			}
		})
	}
}

func TestGroups(t *testing.T) {
	t.Parallel()
	for claim, want := range map[string][]string{
		"":                     nil,
		"[]":                   nil,
		"auditors":             {"auditors"},
		"auditors,staff":       {"auditors", "staff"},
		"[auditors staff]":     {"auditors", "staff"},
		"[auditors]":           {"auditors"},
		"[a,b c]":              {"a,b", "c"},
		"a b":                  {"a b"}, // no group has a space: nothing like a or b
		",a,,":                 {"a"},
		"[auditors-of-nothing": {"[auditors-of-nothing"},
	} {
		if diff := cmp.Diff(want, nonEmpty(rest.Groups(claim))); diff != "" {
			t.Errorf("Groups(%q) (-want +got):\n%s", claim, diff)
		}
	}
}

func nonEmpty(s []string) []string {
	if len(s) == 0 {
		return nil
	}
	return s
}

func TestClaimsOf(t *testing.T) {
	t.Parallel()
	var r events.APIGatewayProxyRequest
	raw := `{"requestContext":{"authorizer":{"claims":{"sub":"s","auth_time":1,"cognito:groups":["a"],"x":null}}}}`
	if err := json.Unmarshal([]byte(raw), &r); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rest.Claims{"sub": "s"}, rest.ClaimsOf(r)); diff != "" {
		t.Errorf("only text counts (-want +got):\n%s", diff)
	}
	if got := rest.ClaimsOf(events.APIGatewayProxyRequest{}); len(got) != 0 {
		t.Errorf("claims of nobody: %v", got)
	}
}

func traced() context.Context {
	//nolint:staticcheck // aws-lambda-go uses this plain string
	return context.WithValue(context.Background(), "x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
}

func TestRefuse(t *testing.T) {
	t.Parallel()
	got := rest.Refuse(traced(), http.StatusUnauthorized, "why")
	want := `{"type":"about:blank","title":"Unauthorized","status":401,"detail":"why","trace_id":"1-5759e988-bd862e3fe1be46a994272793"}`
	if got.Body != want || got.StatusCode != http.StatusUnauthorized {
		t.Errorf("%d %s, want %s", got.StatusCode, got.Body, want)
	}
	for name, value := range map[string]string{
		"Content-Type": "application/problem+json", "Cache-Control": "no-store",
		"WWW-Authenticate": `Bearer realm="gatehouse"`, "X-Content-Type-Options": "nosniff",
	} {
		if got.Headers[name] != value {
			t.Errorf("%s is %q, want %q", name, got.Headers[name], value)
		}
	}
	if notAllowed := rest.NotAllowed(context.Background(), "GET", "HEAD"); notAllowed.Headers["Allow"] != "GET, HEAD" || notAllowed.Headers["WWW-Authenticate"] != "" {
		t.Errorf("headers %v", notAllowed.Headers)
	}
}

// TestUnauthorized: a request without a token gets no error code.
func TestUnauthorized(t *testing.T) {
	t.Parallel()
	for reason, want := range map[rest.Refusal]string{
		rest.NoToken: `Bearer realm="gatehouse"`, rest.NotIDToken: `Bearer realm="gatehouse", error="invalid_token"`,
		"another reason": `Bearer realm="gatehouse", error="invalid_token"`,
	} {
		got := rest.Unauthorized(traced(), reason)
		if got.StatusCode != http.StatusUnauthorized || got.Headers["WWW-Authenticate"] != want {
			t.Errorf("%s: %d, WWW-Authenticate %s", reason, got.StatusCode, got.Headers["WWW-Authenticate"])
		}
	}
}

func TestJSON(t *testing.T) {
	t.Parallel()
	if got := rest.JSON(traced(), map[string]int{"a": 1}); got.StatusCode != http.StatusOK || got.Body != `{"a":1}` || got.Headers["Content-Type"] != "application/json" {
		t.Errorf("%v", got)
	}
	if got := rest.JSON(traced(), func() {}); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("what cannot be encoded gives %d", got.StatusCode)
	}
	if got := rest.Empty(http.StatusNoContent, map[string]string{"X": "y"}); got.Body != "" || got.Headers["X"] != "y" {
		t.Errorf("%v", got)
	}
}
