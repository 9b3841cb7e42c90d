package main

import (
	"testing"

	"gatehouse.example/lambdakit/function/functiontest"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	functiontest.Build(t, build, map[string]string{"AWS_REGION": "x", "GATEHOUSE_ENVIRONMENT": "x", "OUTBOX_URL": "x", "TOPIC_ARN": "x"})
}
