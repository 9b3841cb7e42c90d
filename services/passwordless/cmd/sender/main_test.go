package main

import (
	"log/slog"
	"testing"

	"gatehouse.example/lambdakit/function"
)

func values() map[string]string {
	return map[string]string{
		"AWS_REGION": "eu-central-1", "GATEHOUSE_ENVIRONMENT": "test", "OUTBOX_URL": "outbox", "TOPIC_ARN": "topic",
		"DEAD_LETTER_QUEUE_URL": "dlq", "SECRETS_KEY_ARN": "key", "EMAIL_FROM": "no-reply@example.org", "APP_NAME": "Gatehouse",
	}
}

// TestBuild builds one sender after another, because each configures the X-Ray SDK.
func TestBuild(t *testing.T) {
	t.Parallel()
	s := function.CheckBuild(t, build, values())
	if s.Dead.URL != "dlq" || s.SES == nil || s.Vault == nil || s.Publisher == nil || s.From != "no-reply@example.org" || s.App != "Gatehouse" || s.Link != "" {
		t.Errorf("Sender = %+v", s)
	}
	for link, want := range map[string]bool{"https://app.example.org/signin": true, "https://app.example.org/#a": false, "https://a b": false} {
		of := values()
		of["LINK_URL"], of["AWS_ENDPOINT_URL"] = link, "http://127.0.0.1:1"
		s, err := build(t.Context(), func(n string) string { return of[n] }, slog.New(slog.DiscardHandler))
		if (err == nil) != want || want && s.Link != link {
			t.Errorf("%s: %v", link, err)
		}
	}
}
