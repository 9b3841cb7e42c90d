package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	function.CheckBuild(t, build, map[string]string{"AUDIT_TABLE": "x", "GATEHOUSE_ENVIRONMENT": "x"})
}
