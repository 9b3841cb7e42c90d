package main

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"

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
		"user_created":     {file: "user-created.json", logged: []string{"gatehouse.user.created.v1", "e4d079b1-b79e-58ad-9f5b-0e0bf77a0f19"}},
		"signin_succeeded": {file: "signin-succeeded.json", logged: []string{"gatehouse.user.signin.succeeded.v1"}},
		"one_of_two_is_no_event": {
			file: "poison.json", failed: []string{"poison"}, logged: []string{"gatehouse.user.created.v1", `"messageId":"poison"`},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			w := welcome{slog.New(slog.NewJSONHandler(&log, nil))}
			got, err := w.batch(t.Context(), load(t, tt.file))
			if err != nil {
				t.Fatal(err)
			}
			var failed []string
			for _, f := range got.BatchItemFailures {
				failed = append(failed, f.ItemIdentifier)
			}
			if diff := cmp.Diff(tt.failed, failed); diff != "" {
				t.Errorf("failures (-want +got):\n%s", diff)
			}
			for _, want := range tt.logged {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log lacks %q:\n%s", want, log.String())
				}
			}
			if strings.Contains(log.String(), "secret") {
				t.Errorf("the log quotes a message:\n%s", log.String())
			}
		})
	}
}

// TestBatchOfTomorrow: an event with a field and a value of a later version is handled.
func TestBatchOfTomorrow(t *testing.T) {
	t.Parallel()
	in := load(t, "user-created.json")
	today := in.Records[0].Body
	in.Records[0].Body = strings.Replace(today, `"via": "signup"`, `"via": "of-a-later-version", "later": {"a": [1]}`, 1)
	if in.Records[0].Body == today {
		t.Fatal("nothing was replaced")
	}
	var log bytes.Buffer
	got, err := welcome{slog.New(slog.NewJSONHandler(&log, nil))}.batch(t.Context(), in)
	if err != nil || len(got.BatchItemFailures) > 0 || !strings.Contains(log.String(), "here a mail would be sent") {
		t.Errorf("answer %v, error %v, log %s", got, err, log.String())
	}
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
