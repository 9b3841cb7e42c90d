package main

import (
	"log/slog"
	"strings"
	"testing"
)

func TestRealMain(t *testing.T) {
	t.Parallel()
	needed := []string{
		"AWS_REGION", "EVENTS_PER_MINUTE", "GATEHOUSE_ENVIRONMENT", "GUEST_QUEUE_ARN", "LEDGER_TABLE",
		"OUTBOX_URL", "POOL_ARN_NAME", "TOPIC_ARN", "USER_QUEUE_ARN",
	}
	values := map[string]string{}
	for _, name := range needed {
		values[name] = "7"
	}
	getenv := func(name string) string { return values[name] }
	if app, err := realMain(t.Context(), getenv, slog.New(slog.DiscardHandler)); err != nil || app == nil {
		t.Fatalf("realMain = %v, %v", app, err)
	}
	for _, name := range needed {
		values[name] = ""
		if _, err := realMain(t.Context(), getenv, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
		values[name] = "7"
	}
	values["EVENTS_PER_MINUTE"] = "many"
	if _, err := realMain(t.Context(), getenv, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a limit that is no number is accepted")
	}
}
