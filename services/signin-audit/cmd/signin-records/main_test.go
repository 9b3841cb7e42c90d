package main

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/services/signin-audit/internal/recorder"
	"gatehouse.example/services/signin-audit/internal/signinrecords"
)

func variables() map[string]string {
	return map[string]string{
		"AUDIT_TABLE": "audit", "AWS_REGION": "eu-central-1", "DEAD_LETTER_QUEUE_URL": "dead", "GATEHOUSE_ENVIRONMENT": "test",
		"OUTBOX_URL": "outbox", "RETENTION_DAYS": "2", "TOPIC_ARN": "topic",
	}
}

func TestBuild(t *testing.T) {
	t.Parallel()
	i := function.CheckBuild(t, build, variables())
	if i.Retention != 48*time.Hour || i.Dead.URL != "dead" || i.Dead.Queue == nil || i.Environment != "test" {
		t.Errorf("%+v", i)
	}
	if rows, ok := i.Rows.(*recorder.Table); !ok || rows.Name != "audit" {
		t.Errorf("Rows = %+v", i.Rows)
	}
	if users, ok := i.Users.(*signinrecords.Marks); !ok || users.Name != "audit" {
		t.Errorf("Users = %+v", i.Users)
	}
	names := []string{
		"/gatehouse/test/platform/user-pool-arn", "/gatehouse/test/platform/web-client-id",
		"/gatehouse/test/platform/native-client-id", "/gatehouse/test/platform/machine-client-id",
	}
	if diff := cmp.Diff(names, i.Parameters.(*parameters.Cache).Names); diff != "" {
		t.Error(diff)
	}
}

func TestBuildRefusesDaysThatAreNotANumber(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"x", "-1", "70000"} {
		values := variables()
		values["RETENTION_DAYS"] = bad
		_, err := build(t.Context(), func(name string) string { return values[name] }, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "RETENTION_DAYS") {
			t.Errorf("RETENTION_DAYS=%s: %v", bad, err)
		}
	}
}
