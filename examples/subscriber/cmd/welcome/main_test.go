package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
)

func TestBatch(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		file   string
		failed []string // message ids that come again
		logged []string // what the log must hold
	}{
		"user_created": {file: "user-created.json", logged: []string{
			"here a mail would be sent", "gatehouse.user.created.v1", "e4d079b1-b79e-58ad-9f5b-0e0bf77a0f19", `"via":"signup"`,
		}},
		"signin_succeeded": {file: "signin-succeeded.json", logged: []string{"a sign-in", "gatehouse.user.signin.succeeded.v1"}},
		"one_of_two_is_not_an_event": {
			file: "poison.json", failed: []string{"poison"}, logged: []string{"gatehouse.user.created.v1", `"messageId":"poison"`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			failed, log, metric := run(t, load(t, tt.file))
			if diff := cmp.Diff(tt.failed, failed); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			for _, want := range tt.logged {
				if !strings.Contains(log, want) {
					t.Errorf("the log lacks %q:\n%s", want, log)
				}
			}
			if strings.Contains(log, "secret") {
				t.Errorf("the log quotes a message:\n%s", log)
			}
			if got := strings.Contains(metric, `"EventsFailed":1}`); got != (len(tt.failed) == 1) {
				t.Errorf("metric %q", metric)
			}
		})
	}
}

// TestBodies: what is not an event of today, tomorrow or another type.
func TestBodies(t *testing.T) {
	t.Parallel()
	today := load(t, "user-created.json").Records[0].Body
	for name, tc := range map[string]struct {
		body   string
		failed bool
		logged string
	}{
		"later_field_and_value": {strings.Replace(today, `"via": "signup"`, `"via": "of-a-later-version", "later": {"a": [1]}`, 1), false, "here a mail would be sent"},
		"later_attribute":       {strings.Replace(today, `"specversion"`, `"laterattribute": "x", "specversion"`, 1), false, "here a mail would be sent"},
		"another_type":          {strings.Replace(today, `gatehouse.user.created.v1"`, `gatehouse.user.created.v2"`, 1), false, "not for this function"},
		"no_id":                 {strings.Replace(today, `"id"`, `"no"`, 1), true, "not a CloudEvent"},
		"data_of_another_kind":  {strings.Replace(today, `{"via": "signup"}`, `"text"`, 1), true, "not what the schema says"},
		"empty":                 {"", true, "not a CloudEvent"},
		"list":                  {"[]", true, "not a CloudEvent"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tc.body == today {
				t.Fatal("nothing was replaced")
			}
			failed, log, _ := run(t, events.SQSEvent{Records: []events.SQSMessage{{MessageId: "m", Body: tc.body}}})
			if (len(failed) == 1) != tc.failed || !strings.Contains(log, tc.logged) {
				t.Errorf("failed %q, log %s", failed, log)
			}
		})
	}
}

// run gives a batch to the function and returns the messages that come back, its log and
// its metric.
func run(t *testing.T, in events.SQSEvent) (failed []string, log, metric string) {
	t.Helper()
	var logged, out bytes.Buffer
	w := &welcome{name: "welcome", log: slog.New(slog.NewJSONHandler(&logged, nil)), out: &out, now: time.Now}
	got, err := w.batch(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range got.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	if out.Len() > 0 && !json.Valid(out.Bytes()) {
		t.Errorf("the metric is not JSON: %s", out.String())
	}
	return failed, logged.String(), out.String()
}

func load(t *testing.T, file string) events.SQSEvent {
	t.Helper()
	raw, err := os.ReadFile("../../events/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var in events.SQSEvent
	if err := json.Unmarshal(raw, &in); err != nil {
		t.Fatal(err)
	}
	return in
}
