package main

import (
	"log/slog"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/services/user-events/internal/clientevents"
)

func variables() map[string]string {
	return map[string]string{
		"AWS_REGION": "eu-central-1", "EVENTS_PER_MINUTE": "7", "GATEHOUSE_ENVIRONMENT": "test", "GUEST_DEAD_LETTER_QUEUE_URL": "guest-dlq", "GUEST_QUEUE_ARN": "guests",
		"LEDGER_TABLE": "table", "OUTBOX_URL": "outbox", "POOL_ARN_NAME": "/pool-arn", "TOPIC_ARN": "topic", "USER_DEAD_LETTER_QUEUE_URL": "user-dlq", "USER_QUEUE_ARN": "users",
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	c := function.CheckBuild(t, build, variables())
	if diff := cmp.Diff(map[string]string{"guests": contracts.WhoGuest, "users": contracts.WhoUser}, c.Queues); diff != "" {
		t.Errorf("Queues (-want +got):\n%s", diff)
	}
	if g, u := c.Dead["guests"], c.Dead["users"]; g.URL != "guest-dlq" || u.URL != "user-dlq" || g.Queue == nil || u.Queue == nil {
		t.Errorf("Dead = %+v, %+v", g, u)
	}
	if l, ok := c.Limiter.(*clientevents.MinuteLimit); !ok || l.Counts.Table == nil || l.Counts.Name != "table" || len(l.Counts.Process) != 8 || l.PerMinute != 7 {
		t.Errorf("Limiter = %+v", c.Limiter)
	}
	if p, ok := c.Platform.(*parameters.Cache); !ok || len(p.Names) != 1 || p.Names[0] != "/pool-arn" {
		t.Errorf("Platform = %+v", c.Platform)
	}
}

func TestBuildRefusesALimitThatIsNotANumber(t *testing.T) {
	t.Parallel()
	values := variables()
	values["EVENTS_PER_MINUTE"] = "many"
	if _, err := build(t.Context(), func(name string) string { return values[name] }, slog.New(slog.DiscardHandler)); err == nil {
		t.Error("no error")
	}
}
