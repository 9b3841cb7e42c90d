package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/services/user-events/internal/metrics"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	c := function.CheckBuild(t, build, map[string]string{"GATEHOUSE_ENVIRONMENT": "test", "LEDGER_TABLE": "table"})
	if l, ok := c.Ledger.(*metrics.Ledger); !ok || l.Table == nil || l.Name != "table" {
		t.Errorf("Ledger = %+v", c.Ledger)
	}
	if c.Environment != "test" || c.Out == nil || c.Log == nil || c.Now == nil {
		t.Errorf("build = %+v", c)
	}
}
