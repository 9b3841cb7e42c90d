package main

import (
	"context"
	"log/slog"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	complete := map[string]string{
		"AWS_REGION": "us-east-1", "GATEHOUSE_ENVIRONMENT": "test", "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
		"TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:t", "OUTBOX_URL": "http://127.0.0.1:1/o",
	}
	for name, c := range map[string]struct{ variable, value, want string }{
		"complete":      {"AWS_REGION", "us-east-1", ""},
		"no_topic":      {"TOPIC_ARN", "", "TOPIC_ARN"},
		"no_outbox":     {"OUTBOX_URL", "", "OUTBOX_URL"},
		"wrong_switch":  {"CHECK_FEDERATED", "perhaps", "CHECK_FEDERATED"},
		"wrong_entries": {"DENY_DOMAINS", "@@,..", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, err := build(context.Background(), func(n string) string {
				if n == c.variable {
					return c.value
				}
				return complete[n]
			}, slog.New(slog.DiscardHandler))
			if c.want == "" && (err != nil || handler == nil) || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("build: %v", err)
			}
		})
	}
}
