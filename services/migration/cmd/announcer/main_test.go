package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	c := function.CheckBuild(t, build, map[string]string{
		"AWS_REGION": "eu-central-1", "DEAD_LETTER_QUEUE_URL": "https://sqs/dead", "GATEHOUSE_ENVIRONMENT": "test",
		"OUTBOX_URL": "https://sqs/outbox", "TOPIC_ARN": "arn:aws:sns:eu-central-1:123456789012:t",
	})
	if c.Dead.URL != "https://sqs/dead" || c.Environment != "test" {
		t.Errorf("build = %+v", c)
	}
}
