package main

import (
	"testing"

	"gatehouse.example/lambdakit/function/functiontest"
	"gatehouse.example/services/user-events/internal/ledger"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	c := functiontest.Build(t, build, map[string]string{"GATEHOUSE_ENVIRONMENT": "test", "LEDGER_TABLE": "table"})
	if l, ok := c.Ledger.(*ledger.Ledger); !ok || l.Table == nil || l.Name != "table" {
		t.Errorf("Ledger = %+v", c.Ledger)
	}
	if c.Environment != "test" || c.Out == nil || c.Log == nil || c.Now == nil {
		t.Errorf("build = %+v", c)
	}
}
