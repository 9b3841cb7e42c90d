package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	c := function.CheckBuild(t, build, map[string]string{
		"CLAIMS_TABLE": "claims", "DEAD_LETTER_QUEUE_URL": "dlq", "GATEHOUSE_ENVIRONMENT": "test", "NOTICES_FROM": "no-reply@example.org", "SES_REGION": "eu-west-1",
	})
	if c.Claims.Name != "claims" || c.Dead.URL != "dlq" || c.From != "no-reply@example.org" || c.Environment != "test" || c.Pool == nil || c.Mailer == nil {
		t.Errorf("Consumer = %+v", c)
	}
}
