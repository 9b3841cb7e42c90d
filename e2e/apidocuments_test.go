package e2e

import (
	"encoding/json"
	"net/http"
	"path"
	"strconv"
	"strings"
	"testing"

	"gatehouse.example/contracts"
	"gatehouse.example/e2e/chromium"
)

// TestAPIServesSchemas: the schema of an event that arrives is found by its dataschema.
func TestAPIServesSchemas(t *testing.T) {
	t.Parallel()
	s := start(t)
	in := s.subscribe(t)
	p := s.member(t)
	name := path.Base(in.wait(t, 1, of(contracts.TypeUserCreated, p.Sub))[0].Event.DataSchema())
	answer := s.call(t, http.MethodGet, "/schemas/"+name, "")
	var schema struct {
		ID string `json:"$id"`
	}
	if err := json.Unmarshal(answer.Body, &schema); err != nil || schema.ID != contracts.SchemaBase+name {
		t.Errorf("%d %s: %v", answer.Status, answer.Body, err)
	}
	if answer.Header.Get("Content-Type") != "application/schema+json" || answer.Header.Get("Cache-Control") != "public, max-age=3600" {
		t.Errorf("headers %v", answer.Header)
	}
	var index struct {
		Catalogue string
		Schemas   []struct{ Type, URL string }
	}
	if err := json.Unmarshal(s.call(t, http.MethodGet, "/schemas", "").Body, &index); err != nil || len(index.Schemas) != len(contracts.Types()) {
		t.Errorf("index %+v: %v", index, err)
	}
	for _, one := range index.Schemas {
		if got := s.call(t, http.MethodGet, strings.TrimPrefix(one.URL, s.env["API_URL"]), ""); got.Status != http.StatusOK {
			t.Errorf("%s: %d", one.URL, got.Status)
		}
	}
	if got := s.call(t, http.MethodGet, strings.TrimPrefix(index.Catalogue, s.env["API_URL"]), ""); got.Status != http.StatusOK || !strings.Contains(string(got.Body), "asyncapi: 3") {
		t.Errorf("%s: %d %.80s", index.Catalogue, got.Status, got.Body)
	}
	for _, resource := range []string{"/schemas", "/schemas/" + name, "/catalogue"} {
		tag := s.call(t, http.MethodGet, resource, "").Header.Get("ETag")
		again := s.call(t, http.MethodGet, resource, "", "If-None-Match", tag)
		if tag == "" || again.Status != http.StatusNotModified || len(again.Body) > 0 || again.Header.Get("ETag") != tag {
			t.Errorf("%s with its ETag %s: %d %v", resource, tag, again.Status, again.Header)
		}
	}
	s.call(t, http.MethodGet, "/schemas/nothing.json", "").refused(t, http.StatusNotFound, "")
}

// TestChallengesOfTheAPI: a request without a token gets no error code (RFC 6750, 3.1). A
// function refuses a token with one, and the gateway cannot tell the two apart.
func TestChallengesOfTheAPI(t *testing.T) {
	t.Parallel()
	s := start(t)
	p := s.member(t)
	const bare = `Bearer realm="gatehouse"`
	for name, tc := range map[string]struct{ path, token, want string }{
		"user_without_token":     {"/user", "", bare},
		"client_without_token":   {"/client", "", bare},
		"activity_without_token": {"/activity", "", bare},
		"forged":                 {"/user", "no.token.atall", bare},
		"access_token":           {"/user", p.tokens(t).access, bare + `, error="invalid_token"`},
	} {
		if got := s.call(t, http.MethodGet, tc.path, tc.token).Header.Get("WWW-Authenticate"); got != tc.want {
			t.Errorf("%s: WWW-Authenticate %s, want %s", name, got, tc.want)
		}
	}
}

// TestBrowserReadsErrorsOfTheAPI: a page of a listed origin sends a token and reads the
// status and the headers of each error.
func TestBrowserReadsErrorsOfTheAPI(t *testing.T) {
	t.Parallel()
	s := start(t)
	token := s.member(t).tokens(t).id
	w := openWindow(t, 800, 600, "MAP localhost:8400 "+site(t))
	w.must(w.Visit("http://localhost:8400/"))
	for name, tc := range map[string]struct {
		method, path, token, header string
		status                      int
	}{
		"unauthorized":       {"GET", "/user", "no.token.atall", "WWW-Authenticate", http.StatusUnauthorized},
		"unknown":            {"GET", "/nope", token, "X-Amzn-Trace-Id", http.StatusNotFound},
		"unknown_method":     {"DELETE", "/nope/more", token, "X-Amzn-Trace-Id", http.StatusNotFound},
		"not_allowed":        {"DELETE", "/user", token, "Allow", http.StatusMethodNotAllowed},
		"not_allowed_put":    {"PUT", "/schemas", token, "Allow", http.StatusMethodNotAllowed},
		"not_allowed_others": {"POST", "/activity", token, "Allow", http.StatusMethodNotAllowed},
		"forbidden":          {"GET", "/activity/00000000-1111-4222-8333-444444444444", token, "X-Amzn-Trace-Id", http.StatusForbidden},
	} {
		raw := must(json.Marshal([]any{s.env["API_URL"] + tc.path, map[string]any{
			"method": tc.method, "headers": map[string]string{"Authorization": "Bearer " + tc.token},
		}}))(t)
		got, err := chromium.Script[[]string](w.Browser, `fetch(...`+string(raw)+`).then(
			async (r) => [String(r.status), r.headers.get("`+tc.header+`") || "", (await r.json()).title], (e) => ["", String(e), ""])`)
		if err != nil || len(got) != 3 || got[0] != strconv.Itoa(tc.status) || got[1] == "" || got[2] != http.StatusText(tc.status) {
			t.Errorf("%s: %q %v, want %d with %s", name, got, err, tc.status, tc.header)
		}
	}
}
