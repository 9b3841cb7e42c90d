package canary

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// RoundTrip is the API and the token endpoint.
func (c *cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	_, sub, _ := strings.Cut(token, idToken)
	status, body := 200, any(map[string]any{})
	switch route := r.URL.Host + r.URL.Path; {
	case route == "pages/oauth2/token":
		if id, given, _ := r.BasicAuth(); id != "machine" || given != secret {
			status = 401
		}
		body = map[string]any{"access_token": "machine-token", "token_type": "Bearer"}
	case route == "api/user" && sub != "":
		body = map[string]any{"sub": sub}
	case route == "api/client" && token == "machine-token", route == "api/guest":
	case route == "api/activity" && sub != "":
		body = map[string]any{"items": c.activity(sub)}
	default:
		status = 401
	}
	if forced := c.status[r.URL.Path]; forced != 0 {
		status = forced
	}
	raw, err := json.Marshal(body)
	return &http.Response{
		StatusCode: status, Status: fmt.Sprint(status), Header: http.Header{"Content-Type": {"application/json"}, "X-Amzn-Trace-Id": {"Root=1-x"}},
		Body: io.NopCloser(bytes.NewReader(raw)), Request: r,
	}, err
}

func (c *cloud) activity(sub string) []map[string]string {
	items := []map[string]string{}
	for _, ev := range c.rows {
		if ev.Subject() == sub {
			items = append(items, map[string]string{"id": ev.ID(), "sub": sub})
		}
	}
	return items
}
