package main

import (
	"testing"

	"gatehouse.example/lambdakit/function"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	d := function.CheckBuild(t, build, map[string]string{"DEAD_LETTER_QUEUE_URL": "dead", "GATEHOUSE_ENVIRONMENT": "test", "TOPIC_ARN": "topic"})
	if d.Topic == nil || d.TopicARN != "topic" || d.Environment != "test" {
		t.Errorf("build = %+v", d)
	}
	if d.Dead.Queue == nil || d.Dead.URL != "dead" {
		t.Errorf("Dead = %+v", d.Dead)
	}
	if d.Out == nil || d.Log == nil || d.Now == nil {
		t.Errorf("build leaves out a field: %+v", d)
	}
}
