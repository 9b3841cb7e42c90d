package main

import (
	"log/slog"
	"strings"
	"testing"
)

func TestRealMain(t *testing.T) {
	t.Parallel()
	needed := []string{"AWS_REGION", "GATEHOUSE_ENVIRONMENT", "OUTBOX_URL", "TOPIC_ARN"}
	values := map[string]string{}
	for _, name := range needed {
		values[name] = "x"
	}
	// Nobody listens here: the connection of init is best effort.
	values["AWS_ENDPOINT_URL"] = "http://127.0.0.1:1"
	getenv := func(name string) string { return values[name] }
	if app, err := realMain(t.Context(), getenv, slog.New(slog.DiscardHandler)); err != nil || app == nil {
		t.Fatalf("realMain = %v, %v", app, err)
	}
	for _, name := range needed {
		values[name] = ""
		if _, err := realMain(t.Context(), getenv, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
		values[name] = "x"
	}
}
