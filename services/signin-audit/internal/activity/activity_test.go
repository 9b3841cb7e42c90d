package activity

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	cognitotypes "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/parameters"
)

func ids(p Page) string {
	var out []string
	for _, it := range p.Items {
		out = append(out, strings.TrimPrefix(it.ID, "id-"))
	}
	return strings.Join(out, " ")
}

func TestOwnActivity(t *testing.T) {
	t.Parallel()
	w := newFixture()
	w.db.add(erika, "gatehouse.user.created.v1", 1, nil)
	w.db.add(erika, "gatehouse.user.signin.succeeded.v1", 2, nil)
	w.db.add(otto, "gatehouse.user.signin.succeeded.v1", 3, nil)
	got := w.ask(t, request(routeOwn, "", token(erika)))
	if got.status != http.StatusOK || ids(got.page) != "002 001" || got.page.Next != "" {
		t.Fatalf("answer %+v", got)
	}
	want := Item{
		ID: "id-002", Type: "gatehouse.user.signin.succeeded.v1", Time: "2026-11-22T16:02:00.000000000Z", Pool: pool,
		Client: "web", Sub: erika, Data: []byte(`{"newDevice":false}`), ReceivedAt: "2026-11-22T16:02:00.000000000Z",
		IP: "192.0.2.44", UserAgent: "Mozilla/5.0",
	}
	if diff := cmp.Diff(want, got.page.Items[0]); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(got.body, secret) {
		t.Errorf("attributes of the table in the answer: %s", got.body)
	}
	if got.header["Cache-Control"] != "no-store" || got.header["Content-Type"] != "application/json" {
		t.Errorf("headers %v", got.header)
	}
	if w.users.asked != 0 {
		t.Error("Cognito was asked about somebody who reads their own rows")
	}
	// A path parameter changes nothing on the route of one's own.
	if got := w.ask(t, request(routeOwn, otto, token(erika))); ids(got.page) != "002 001" {
		t.Errorf("somebody else's rows: %s", got.body)
	}
}

func TestNobodyHasNoRows(t *testing.T) {
	t.Parallel()
	w := newFixture()
	if got := w.ask(t, request(routeOwn, "", token(erika))); got.status != http.StatusOK || got.body != `{"items":[]}` {
		t.Errorf("answer %+v", got)
	}
	if got := w.ask(t, request(routeAnybody, erika, token(otto, "cognito:groups", "auditors"))); got.body != `{"items":[]}` {
		t.Errorf("answer of an unknown person %+v", got)
	}
}

func TestTokens(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		claims map[string]any
		detail string
	}{
		"none":          {nil, "has no token"},
		"access_token":  {token(erika, "token_use", "access"), "requires an ID token"},
		"other_client":  {token(erika, "aud", "machine"), "another client"},
		"other_pool":    {token(erika, "iss", "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_Other"), "another user pool"},
		"longer_pool":   {token(erika, "iss", "https://cognito-idp.us-east-1.amazonaws.com/x"+pool), "another user pool"},
		"other_region":  {token(erika, "iss", "https://cognito-idp.eu-west-1.amazonaws.com/"+pool), "another user pool"},
		"other_domain":  {token(erika, "iss", "https://attacker.example/"+pool), "another user pool"},
		"not_https":     {token(erika, "iss", "http://cognito-idp.us-east-1.amazonaws.com/"+pool), "another user pool"},
		"updated":       {token(erika, "iss", "https://issuer-cognito-idp.us-east-1.amazonaws.com/"+pool), ""},
		"no_issuer":     {token(erika, "iss", ""), "another user pool"},
		"no_subject":    {token(""), "has no subject"},
		"native_client": {token(erika, "aud", "native"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture()
			for _, resource := range []string{routeOwn, routeAnybody} {
				got := w.ask(t, request(resource, erika, tc.claims))
				if tc.detail == "" {
					if got.status == http.StatusUnauthorized {
						t.Errorf("%s: %+v", resource, got)
					}
					continue
				}
				if got.status != http.StatusUnauthorized || !strings.Contains(got.detail, tc.detail) || got.trace != trace {
					t.Errorf("%s: %+v, want 401 and %q", resource, got, tc.detail)
				}
				if got.header["Content-Type"] != "application/problem+json" || got.header["Cache-Control"] != "no-store" {
					t.Errorf("%s: headers %v", resource, got.header)
				}
			}
			if tc.detail != "" && len(w.db.queries) != 0 {
				t.Error("rows were read for a refused token")
			}
		})
	}
}

func TestAuditors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		groups string
		sub    string
		change func(*users)
		want   int
	}{
		"comma_shape":         {"staff,auditors", erika, nil, 200},
		"bracket_shape":       {"[staff auditors]", erika, nil, 200},
		"no_group":            {"", erika, nil, 403},
		"other_group":         {"staff", erika, nil, 403},
		"longer_name":         {"[auditors-of-nothing xauditors]", erika, nil, 403},
		"own_sub_no_auditor":  {"staff", otto, nil, 403},
		"no_uuid":             {"auditors", "erika", nil, 400},
		"urn_uuid":            {"auditors", "urn:uuid:" + erika, nil, 400},
		"upper_case":          {"auditors", strings.ToUpper(erika), nil, 400},
		"no_uuid_no_auditor":  {"staff", "erika", nil, 403},
		"left_the_group":      {"auditors", erika, func(u *users) { u.groups = []string{"staff", "auditors2"} }, 403},
		"left_every_group":    {"auditors", erika, func(u *users) { u.groups = nil }, 403},
		"disabled":            {"auditors", erika, func(u *users) { u.enabled = false }, 403},
		"deleted":             {"auditors", erika, func(u *users) { u.err = &cognitotypes.UserNotFoundException{} }, 403},
		"name_used_again":     {"auditors", erika, func(u *users) { u.sub = erika }, 403},
		"cognito_unavailable": {"auditors", erika, func(u *users) { u.err = errors.New(secret) }, 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture()
			w.db.add(erika, "gatehouse.user.created.v1", 1, nil)
			if tc.change != nil {
				tc.change(w.users)
			}
			got := w.ask(t, request(routeAnybody, tc.sub, token(otto, "cognito:groups", tc.groups)))
			if got.status != tc.want {
				t.Fatalf("answer %+v, want %d", got, tc.want)
			}
			if (tc.want == 200) != (len(w.db.queries) == 1) || (tc.want == 200) != (ids(got.page) == "001") {
				t.Errorf("%d queries, rows %q", len(w.db.queries), ids(got.page))
			}
			if strings.Contains(got.body+w.log.String(), secret) {
				t.Errorf("personal data in %s or %s", got.body, w.log)
			}
			read := strings.Contains(w.log.String(), "an auditor reads") && strings.Contains(w.log.String(), otto) && strings.Contains(w.log.String(), trace)
			if read != (tc.want == 200) {
				t.Errorf("log %s", w.log)
			}
		})
	}
}

func TestAuditorWithoutANameIsNone(t *testing.T) {
	t.Parallel()
	w := newFixture()
	if got := w.ask(t, request(routeAnybody, erika, token(otto, "cognito:groups", "auditors", "cognito:username", ""))); got.status != http.StatusForbidden {
		t.Errorf("answer %+v", got)
	}
}

func TestOtherRequests(t *testing.T) {
	t.Parallel()
	w := newFixture()
	post := request(routeOwn, "", token(erika))
	post.HTTPMethod = http.MethodPost
	if got := w.ask(t, post); got.status != http.StatusMethodNotAllowed || got.header["Allow"] != "GET, HEAD, OPTIONS" {
		t.Errorf("POST: %+v", got)
	}
	head := request(routeOwn, "", token(erika))
	head.HTTPMethod = http.MethodHead
	if got, err := w.Handle(t.Context(), head); err != nil || got.StatusCode != http.StatusOK || got.Body != "" || got.Headers["Content-Type"] != "application/json" {
		t.Errorf("HEAD: %+v, %v", got, err)
	}
	if got := w.ask(t, request("/user", "", token(erika))); got.status != http.StatusNotFound {
		t.Errorf("/user: %+v", got)
	}
}

func TestFaultsBehindIt(t *testing.T) {
	t.Parallel()
	for name, plant := range map[string]func(*fixture){
		"table":       func(w *fixture) { w.db.err = errors.New(secret) },
		"names":       func(w *fixture) { w.store.err = errors.New(secret) },
		"no_platform": func(w *fixture) { delete(w.store.values, "native-client-id") },
		"no_client":   func(w *fixture) { w.store.values["native-client-id"] = "" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newFixture()
			plant(w)
			got := w.ask(t, request(routeOwn, "", token(erika)))
			if got.status != http.StatusServiceUnavailable || got.header["Retry-After"] == "" || got.trace != trace {
				t.Errorf("answer %+v", got)
			}
			if strings.Contains(got.body+w.log.String(), secret) || !strings.Contains(w.log.String(), trace) {
				t.Errorf("answer %s, log %s", got.body, w.log)
			}
		})
	}
}

func TestParametersAreReadAgainAfterTheTTL(t *testing.T) {
	t.Parallel()
	w := newFixture()
	for _, step := range []struct {
		after time.Duration
		asked int
	}{{0, 1}, {parameters.TTL - time.Second, 1}, {time.Second, 2}} {
		w.now = w.now.Add(step.after)
		if got := w.ask(t, request(routeOwn, "", token(erika))); got.status != http.StatusOK || w.store.asked != step.asked {
			t.Errorf("after %v: %d, asked %d times, want %d", step.after, got.status, w.store.asked, step.asked)
		}
	}
}
