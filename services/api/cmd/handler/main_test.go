package main

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	values := map[string]string{"API_URL": "https://x.example/live", "CLIENT_SCOPE": "gatehouse/client", "USER_CLIENT_IDS": "web,native"}
	function.CheckBuild(t, build, values)
	values["ALLOWED_ORIGINS"] = "https://a.example,https://b.example"
	h, err := build(t.Context(), func(name string) string { return values[name] }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"web", "native"}, {"https://a.example", "https://b.example"}}, [][]string{h.Clients, h.Origins}); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(string(h.Document), `"url": "https://x.example/live"`) || strings.Contains(string(h.Document), "api.example.com") {
		t.Error("the document does not name the API's address")
	}
}
