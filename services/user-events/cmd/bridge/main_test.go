package main

import (
	"testing"

	"gatehouse.example/lambdakit/function/functiontest"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	b := functiontest.Build(t, build, map[string]string{"BUS_NAME": "bus"})
	if b.Bus == nil || b.BusName != "bus" || b.Log == nil {
		t.Errorf("build = %+v", b)
	}
}
