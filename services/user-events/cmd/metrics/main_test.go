package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/services/user-events/internal/metrics"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	c := function.CheckBuild(t, build, map[string]string{"DEAD_LETTER_QUEUE_URL": "dead", "GATEHOUSE_ENVIRONMENT": "test", "LEDGER_TABLE": "table"})
	if l, ok := c.Ledger.(*metrics.Ledger); !ok || l.Table == nil || l.Name != "table" {
		t.Errorf("Ledger = %+v", c.Ledger)
	}
	if c.Dead.Queue == nil || c.Dead.URL != "dead" {
		t.Errorf("Dead = %+v", c.Dead)
	}
	if c.Environment != "test" || c.Out == nil || c.Log == nil || c.Now == nil {
		t.Errorf("build = %+v", c)
	}
}
