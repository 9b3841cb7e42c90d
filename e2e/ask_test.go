package e2e

import (
	"io"
	"net/http"
	"testing"
)

// ask calls the API with a token, or without one, and returns status and body.
func (s *system) ask(t *testing.T, path, token string) (int, string) {
	t.Helper()
	req := must(http.NewRequestWithContext(t.Context(), http.MethodGet, s.env["API_URL"]+path, http.NoBody))(t)
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp := must(http.DefaultClient.Do(req))(t)
	defer resp.Body.Close()
	body := must(io.ReadAll(resp.Body))(t)
	return resp.StatusCode, string(body)
}
