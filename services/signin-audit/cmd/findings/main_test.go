package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/services/signin-audit/findings"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	a := function.CheckBuild(t, build, map[string]string{
		"AUDIT_TABLE": "audit", "AWS_REGION": "eu-central-1", "GATEHOUSE_ENVIRONMENT": "test", "OUTBOX_URL": "outbox",
		"SETTINGS_NAME": "/settings", "TOPIC_ARN": "topic",
	})
	if table, ok := a.Rows.(*findings.Table); !ok || table.Name != "audit" || table.Max != findings.MaxRows {
		t.Errorf("Rows = %+v", a.Rows)
	}
	if a.Environment != "test" || a.Settings == nil || a.Publisher == nil || a.Out == nil {
		t.Errorf("Announcer = %+v", a)
	}
}
