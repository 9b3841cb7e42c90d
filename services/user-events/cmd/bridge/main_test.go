package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	b := function.CheckBuild(t, build, map[string]string{"BUS_NAME": "bus"})
	if b.Bus == nil || b.BusName != "bus" || b.Log == nil {
		t.Errorf("build = %+v", b)
	}
}
