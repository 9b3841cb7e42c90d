package integration

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"gatehouse.example/tools/actors"
)

// answer is one of the API.
type answer struct{ actors.Answer }

// ask calls the environment's API with a token, or without one.
func (e *environment) ask(t *testing.T, path, token string) answer {
	t.Helper()
	return answer{must((&actors.API{URL: e.of(t, "api/url"), HTTP: http.DefaultClient}).Get(t.Context(), path, token))(t)}
}

// isProblem checks that an answer is a problem (RFC 9457) of a status, names its
// trace, and asks for a token where one is missing.
func (a answer) isProblem(t *testing.T, status int) {
	t.Helper()
	var p struct {
		Type, Title, Detail string
		Status              int
		TraceID             string `json:"trace_id"`
	}
	if err := json.Unmarshal(a.Body, &p); err != nil {
		t.Errorf("%d, json.Unmarshal: %v", a.Status, err)
		return
	}
	if a.Status != status || p.Status != status || p.Title != http.StatusText(status) || p.Type == "" || p.Detail == "" {
		t.Errorf("%d %s, want a problem of status %d", a.Status, a.Body, status)
	}
	if got := a.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("Content-Type %q", got)
	}
	if p.TraceID == "" || !strings.Contains(a.Header.Get("X-Amzn-Trace-Id"), p.TraceID) {
		t.Errorf("trace %q in the body, %q in the header", p.TraceID, a.Header.Get("X-Amzn-Trace-Id"))
	}
	if got := strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Bearer"); got != (status == http.StatusUnauthorized) {
		t.Errorf("WWW-Authenticate %q at %d", a.Header.Get("WWW-Authenticate"), status)
	}
}
