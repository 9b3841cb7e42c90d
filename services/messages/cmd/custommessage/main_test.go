package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	if h := function.CheckBuild(t, build, map[string]string{"GATEHOUSE_ENVIRONMENT": "test"}); h.Log == nil {
		t.Errorf("build = %+v", h)
	}
}
