package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
)

func TestRealMain(t *testing.T) {
	t.Parallel()
	values := map[string]string{"GATEHOUSE_ENVIRONMENT": "dev", "LOG_KEY_ARN": "arn:key", "INCLUDE_PREFIXES": "/a/", "RETENTION_DAYS": "0"}
	getenv := func(name string) string { return values[name] }
	app, err := realMain(t.Context(), getenv, slog.New(slog.DiscardHandler))
	if err != nil || app.Request == nil || app.Created == nil || app.Sweep == nil {
		t.Fatalf("realMain = %+v, %v", app, err)
	}
	values["LOG_KEY_ARN"] = ""
	if _, err := realMain(t.Context(), getenv, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "LOG_KEY_ARN") {
		t.Errorf("without the key: %v", err)
	}
}

func TestPatient(t *testing.T) {
	t.Parallel()
	r := patient()
	if n := r.MaxAttempts(); n != 8 {
		t.Errorf("%d attempts", n)
	}
	for code, want := range map[string]bool{
		"ThrottlingException": true, "OperationAbortedException": true, "ServiceUnavailableException": false, "AccessDeniedException": false,
	} {
		err := &smithy.GenericAPIError{Code: code}
		if got := r.IsErrorRetryable(err); got != want {
			t.Errorf("%s: tried again %v", code, got)
		}
		if _, err := r.RetryDelay(1, err); err != nil {
			t.Errorf("%s: %v", code, err)
		}
	}
	if d, _ := r.RetryDelay(1, errors.New("x")); d > 20*time.Second {
		t.Errorf("it waits %v", d)
	}
}
