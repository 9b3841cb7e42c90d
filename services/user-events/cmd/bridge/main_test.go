package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	b := function.CheckBuild(t, build, map[string]string{"BUS_NAME": "bus", "DEAD_LETTER_QUEUE_URL": "dead", "GATEHOUSE_ENVIRONMENT": "test"})
	if b.Bus == nil || b.BusName != "bus" || b.Environment != "test" || b.Dead.Queue == nil || b.Dead.URL != "dead" || b.Log == nil || b.Out == nil || b.Now == nil {
		t.Errorf("build = %+v", b)
	}
}
