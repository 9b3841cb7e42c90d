package main

import (
	"log/slog"
	"maps"
	"strings"
	"testing"
	"time"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/services/migration/internal/usermigration"
)

func variables() map[string]string {
	return map[string]string{
		"ANNOUNCER_QUEUE_URL": "https://sqs/announcer", "AWS_REGION": "eu-central-1", "GATEHOUSE_ENVIRONMENT": "test", "MIGRATION_TABLE": "t",
		"OLD_SYSTEM": "table", "REFUSE_AFTER_MS": "1200", "SECRET_NAME": "gatehouse/test/migration/old-system", "TRIES_PER_ADDRESS": "10", "TRIES_PER_MINUTE": "300",
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	h := function.CheckBuild(t, build, variables())
	if _, is := h.Source.(*usermigration.Table); !is || h.Floor != 1200*time.Millisecond {
		t.Errorf("build = %+v", h)
	}
	if l, is := h.Limiter.(*usermigration.Limit); !is || l.PerAddress != 10 || l.Total != 300 {
		t.Errorf("limits %+v", h.Limiter)
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ variable, value, want string }{
		"endpoint":   {"OLD_SYSTEM", "https://login.example.com/gatehouse", ""},
		"plain_http": {"OLD_SYSTEM", "http://login.example.com/gatehouse", "OLD_SYSTEM"},
		"zero":       {"TRIES_PER_ADDRESS", "0", "TRIES_PER_ADDRESS"},
		"no_floor":   {"REFUSE_AFTER_MS", "-1", "REFUSE_AFTER_MS"},
		"text":       {"TRIES_PER_MINUTE", "many", "TRIES_PER_MINUTE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := maps.Clone(variables())
			values[tc.variable] = tc.value
			h, err := build(t.Context(), func(name string) string { return values[name] }, slog.New(slog.DiscardHandler))
			if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Fatalf("build: %v", err)
			}
			if tc.want != "" {
				return
			}
			if _, is := h.Source.(*usermigration.Endpoint); !is {
				t.Errorf("source %T", h.Source)
			}
		})
	}
}
