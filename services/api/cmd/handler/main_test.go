package main

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	values := map[string]string{"CLIENT_SCOPE": "gatehouse/client", "USER_CLIENT_IDS": "web,native"}
	function.CheckBuild(t, build, values)
	h, err := build(t.Context(), func(name string) string { return values[name] }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"web", "native"}, h.Clients); diff != "" {
		t.Error(diff)
	}
}
