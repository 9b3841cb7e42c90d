package encryptor_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/services/log-encryptor/internal/encryptor"
)

// dispatcher records which handler was called, and answers with err.
func dispatcher(calls *[]string, err error) *encryptor.Dispatcher {
	record := func(call string) error { *calls = append(*calls, call); return err }
	return &encryptor.Dispatcher{
		Request: func(_ context.Context, e cfn.Event) (string, error) {
			return "", record("request " + string(e.RequestType) + " " + e.LogicalResourceID)
		},
		Created: func(_ context.Context, detail json.RawMessage) error {
			return record("created " + strings.Fields(string(detail))[1])
		},
		Sweep: func(context.Context) error { return record("sweep") },
	}
}

// Every payload file of the service reaches its handler.
func TestDispatcher_the_payload_files(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"custom-resource-create.json": "request Create ExecutionLogs", "custom-resource-update.json": "request Update ExecutionLogs",
		"custom-resource-delete.json": "request Delete ExecutionLogs", "log-group-created.json": `created "eventVersion":`,
		"log-group-refused.json": `created "eventVersion":`, "sweep.json": "sweep",
	}
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) != len(want) {
		t.Fatalf("files %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var calls []string
		if err := dispatcher(&calls, nil).Handle(t.Context(), text); err != nil {
			t.Errorf("%s: %v", file, err)
		}
		if diff := cmp.Diff([]string{want[filepath.Base(file)]}, calls); diff != "" {
			t.Errorf("%s (-want +got):\n%s", file, diff)
		}
	}
}

func TestDispatcher_refuses_unknown_events(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]string{
		"empty":          ``,
		"a_list":         `[]`,
		"nothing":        `{}`,
		"other_source":   `{"source":"aws.s3","detail-type":"AWS API Call via CloudTrail"}`,
		"other_detail":   `{"source":"aws.logs","detail-type":"Something"}`,
		"broken_request": `{"RequestType":"Create","ResourceProperties":1}`,
	} {
		var calls []string
		if err := dispatcher(&calls, nil).Handle(t.Context(), json.RawMessage(event)); err == nil || len(calls) > 0 {
			t.Errorf("%s: %v, calls %v", name, err, calls)
		}
	}
}

func TestDispatcher_returns_errors(t *testing.T) {
	t.Parallel()
	failure := errors.New("no")
	for _, event := range []string{`{"RequestType":"Create"}`, `{"source":"aws.logs","detail-type":"AWS API Call via CloudTrail","detail":{"a": 1}}`, `{"source":"aws.events","detail-type":"Scheduled Event"}`} {
		var calls []string
		if err := dispatcher(&calls, failure).Handle(t.Context(), json.RawMessage(event)); !errors.Is(err, failure) {
			t.Errorf("%s: %v", event, err)
		}
	}
}
