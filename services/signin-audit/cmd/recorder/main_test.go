package main

import (
	"context"
	"hash/crc32"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"gatehouse.example/services/signin-audit/internal/recorder"
)

// The whole function over HTTP: its call of DynamoDB, with and without a trace,
// while no X-Ray daemon listens. Not parallel: it sets the environment.
func TestBuild(t *testing.T) {
	var target, body string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		target, body = r.Header.Get("X-Amz-Target"), string(raw)
		status, answer := http.StatusOK, `{}`
		if strings.Contains(body, "twice") {
			status = http.StatusBadRequest
			answer = `{"__type":"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException","Item":{"id":{"S":"other"}}}`
		}
		w.Header().Set("X-Amz-Crc32", strconv.FormatUint(uint64(crc32.ChecksumIEEE([]byte(answer))), 10))
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(srv.Close)
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL": srv.URL, "AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "s",
		"AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:1", "LAMBDA_TASK_ROOT": "",
	} {
		t.Setenv(name, value)
	}
	env := map[string]string{"AUDIT_TABLE": "audit", "DEAD_LETTER_QUEUE_URL": "dead", "GATEHOUSE_ENVIRONMENT": "test"}
	getenv := func(k string) string { return env[k] }
	log := slog.New(slog.DiscardHandler)
	for _, bad := range []string{"", "x", "-1", "70000"} {
		env["RETENTION_DAYS"] = bad
		if _, err := build(t.Context(), getenv, log); err == nil || !strings.Contains(err.Error(), "RETENTION_DAYS") {
			t.Errorf("RETENTION_DAYS=%q: error %v", bad, err)
		}
	}
	env["RETENTION_DAYS"] = "2"
	r, err := build(t.Context(), getenv, log)
	if err != nil || r.Retention != 48*time.Hour || r.Dead.Queue == nil || r.Dead.URL != "dead" {
		t.Fatalf("retention %v, error %v", r.Retention, err)
	}
	traced := context.WithValue(t.Context(), "x-amzn-trace-id", //nolint:staticcheck // the key that aws-lambda-go uses
		"Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
	for _, ctx := range []context.Context{t.Context(), traced} {
		if result, err := r.Store.Put(ctx, recorder.Row{PK: "user#1", SK: "once"}); err != nil || result != recorder.Written {
			t.Fatalf("result %v, error %v", result, err)
		}
	}
	if target != "DynamoDB_20120810.PutItem" || !strings.Contains(body, `"ConditionExpression":"attribute_not_exists(pk)"`) {
		t.Errorf("call %s with %s", target, body)
	}
	if result, err := r.Store.Put(traced, recorder.Row{PK: "user#1", SK: "twice"}); err != nil || result != recorder.Contradicted {
		t.Errorf("second put: result %v, error %v; want Contradicted", result, err)
	}
}
