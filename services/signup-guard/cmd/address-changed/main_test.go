package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	c := function.CheckBuild(t, build, map[string]string{
		"AWS_REGION": "eu-central-1", "DEAD_LETTER_QUEUE_URL": "dlq", "GATEHOUSE_ENVIRONMENT": "test", "OUTBOX_URL": "outbox", "TOPIC_ARN": "topic",
	})
	if c.Dead.URL != "dlq" || c.Dead.Queue == nil || c.Publisher == nil || c.Pool == nil || c.Environment != "test" {
		t.Errorf("Consumer = %+v", c)
	}
	if domain, refused := c.Judge.Refused("eve@mailinator.com"); domain != "mailinator.com" || !refused {
		t.Errorf("%q is refused: %t", domain, refused)
	}
}
