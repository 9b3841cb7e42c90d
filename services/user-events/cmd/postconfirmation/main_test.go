package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	h := function.CheckBuild(t, build, map[string]string{
		"AWS_REGION": "eu-central-1", "GATEHOUSE_ENVIRONMENT": "test", "OUTBOX_URL": "outbox", "TOPIC_ARN": "topic",
	})
	if h.Run == nil || h.Log == nil || h.Now == nil {
		t.Errorf("build = %+v", h)
	}
}
