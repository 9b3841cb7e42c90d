package main

import (
	"log/slog"
	"testing"

	"gatehouse.example/lambdakit/function/functiontest"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"AWS_REGION": "x", "EVENTS_PER_MINUTE": "7", "GATEHOUSE_ENVIRONMENT": "x", "GUEST_QUEUE_ARN": "x", "LEDGER_TABLE": "x",
		"OUTBOX_URL": "x", "POOL_ARN_NAME": "x", "TOPIC_ARN": "x", "USER_QUEUE_ARN": "x",
	}
	functiontest.Build(t, build, values)
	values["EVENTS_PER_MINUTE"] = "many"
	if _, err := build(t.Context(), func(name string) string { return values[name] }, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("a limit that is not a number is accepted")
	}
}
