package main

import (
	"log/slog"
	"strings"
	"testing"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	values := map[string]string{"GATEHOUSE_ENVIRONMENT": "dev", "LOG_KEY_ARN": "arn:key", "INCLUDE_PREFIXES": "/a/", "RETENTION_DAYS": "0"}
	getenv := func(name string) string { return values[name] }
	app, err := build(t.Context(), getenv, slog.New(slog.DiscardHandler))
	if err != nil || app.Request == nil || app.Created == nil || app.Sweep == nil {
		t.Fatalf("build = %+v, %v", app, err)
	}
	values["LOG_KEY_ARN"] = ""
	if _, err := build(t.Context(), getenv, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "LOG_KEY_ARN") {
		t.Errorf("without the key: %v", err)
	}
}
