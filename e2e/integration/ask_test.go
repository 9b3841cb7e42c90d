package integration

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// answer is one of the API, read to its end.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// ask calls the environment's API with a token, or without one.
func (e *environment) ask(t *testing.T, path, token string) answer {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, e.of(t, "api/url")+path, http.NoBody))(t)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp := must(http.DefaultClient.Do(req))(t)
	defer func() { _ = resp.Body.Close() }()
	return answer{resp.StatusCode, resp.Header, must(io.ReadAll(resp.Body))(t)}
}

// isProblem holds that an answer is a problem (RFC 9457) of a status, names its
// trace, and says how to come in where a token is missing.
func (a answer) isProblem(t *testing.T, status int) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
		TraceID             string `json:"trace_id"`
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Errorf("%d, json.Unmarshal: %v", a.status, err)
		return
	}
	if a.status != status || p.Status != status || p.Title != http.StatusText(status) || p.Type == "" || p.Detail == "" {
		t.Errorf("%d %s, want a problem of status %d", a.status, a.body, status)
	}
	if got := a.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	if p.TraceID == "" || !strings.Contains(a.header.Get("X-Amzn-Trace-Id"), p.TraceID) {
		t.Errorf("trace %q in the body, %q in the header", p.TraceID, a.header.Get("X-Amzn-Trace-Id"))
	}
	if got := strings.HasPrefix(a.header.Get("WWW-Authenticate"), "Bearer"); got != (status == http.StatusUnauthorized) {
		t.Errorf("WWW-Authenticate %q at %d", a.header.Get("WWW-Authenticate"), status)
	}
}
