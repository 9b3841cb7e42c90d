package main

import (
	"testing"

	"gatehouse.example/lambdakit/function/functiontest"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	functiontest.Build(t, build, map[string]string{"GATEHOUSE_ENVIRONMENT": "x", "TOPIC_ARN": "x"})
}
