package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	function.CheckBuild(t, build, map[string]string{
		"AWS_REGION": "us-east-1", "GATEHOUSE_ENVIRONMENT": "local", "OUTBOX_URL": "x", "TOPIC_ARN": "arn:aws:sns:us-east-1:000000000000:t",
	})
}
