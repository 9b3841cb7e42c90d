package main

import (
	"testing"

	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/services/user-events/internal/userrows"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	c := function.CheckBuild(t, build, map[string]string{
		"AWS_REGION": "eu-central-1", "DEAD_LETTER_QUEUE_URL": "dlq", "GATEHOUSE_ENVIRONMENT": "test",
		"LEDGER_TABLE": "table", "OUTBOX_URL": "outbox", "TOPIC_ARN": "topic",
	})
	if c.Dead.URL != "dlq" || c.Dead.Queue == nil || c.Publisher == nil {
		t.Errorf("Consumer = %+v", c)
	}
	if rows, ok := c.Users.(*userrows.Rows); !ok || rows.Name != "table" || rows.Pool == nil {
		t.Errorf("Users = %+v", c.Users)
	}
	if p, ok := c.Platform.(*parameters.Cache); !ok || p.Names[0] != "/gatehouse/test/platform/user-pool-arn" || len(p.Names) != 4 {
		t.Errorf("Platform = %+v", c.Platform)
	}
	if o, ok := c.Pools.(*cloudtrail.Owner); !ok || o.Platform != c.Platform {
		t.Errorf("Pools = %+v", c.Pools)
	}
}
