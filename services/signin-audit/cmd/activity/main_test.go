package main

import (
	"testing"

	"gatehouse.example/lambdakit/function/functiontest"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	functiontest.Build(t, build, map[string]string{"AUDIT_TABLE": "x", "GATEHOUSE_ENVIRONMENT": "x"})
}
