package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"gatehouse.example/lambdakit/function"
)

func values() map[string]string {
	return map[string]string{
		"AWS_REGION": "eu-central-1", "GATEHOUSE_ENVIRONMENT": "test", "OUTBOX_URL": "outbox", "TOPIC_ARN": "topic",
		"CHALLENGES_TABLE": "table", "SECRETS_KEY_ARN": "secrets", "NAMES_KEY_ARN": "names", "LETTERS_QUEUE_URL": "queue",
		"CHALLENGES_PER_ADDRESS": "5", "CHALLENGES_PER_CLIENT": "600", "VALID_MINUTES": "10",
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	h := function.CheckBuild(t, build, values())
	if h.Store.Table != "table" || h.Names.Key != "names" || h.Outgoing.URL != "queue" || h.Limits.PerAddress != 5 || h.Limits.PerClient != 600 ||
		h.Valid != 10*time.Minute || h.Publisher == nil || h.Vault == nil {
		t.Errorf("Handler = %+v", h)
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"CHALLENGES_PER_ADDRESS", "CHALLENGES_PER_CLIENT", "VALID_MINUTES"} {
		for _, wrong := range []string{"0", "-1", "five"} {
			of := values()
			of[name], of["AWS_ENDPOINT_URL"] = wrong, "http://127.0.0.1:1"
			_, err := build(t.Context(), func(n string) string { return of[n] }, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%s: %v", name, wrong, err)
			}
		}
	}
}
