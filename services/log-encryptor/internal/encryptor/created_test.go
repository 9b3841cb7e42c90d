package encryptor_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/services/log-encryptor/internal/encryptor"
)

const (
	ours   = "arn:ours"
	theirs = "arn:theirs"
	name   = "/gatehouse/dev/made/behind-its-back"
)

func onCreated(logs *fakeLogs, out *bytes.Buffer) *encryptor.Sweeper {
	return &encryptor.Sweeper{
		Groups: &encryptor.Directory{Logs: logs}, Keeper: &encryptor.Keeper{Logs: logs, KeyARN: ours},
		Prefixes: encryptor.ParsePrefixes("/gatehouse/dev/", ""), Retention: 30, Environment: "test", Out: out, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
}

// detail is the detail of a payload file.
func detail(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile("../../events/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var event struct{ Detail json.RawMessage }
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	return string(event.Detail)
}

func TestCreated(t *testing.T) {
	t.Parallel()
	record := detail(t, "log-group-created.json")
	for label, tc := range map[string]struct {
		detail string
		want   string
	}{
		"created":            {record, ours + " 30"},
		"refused":            {detail(t, "log-group-refused.json"), "0"},
		"empty_error_code":   {strings.Replace(record, `"readOnly"`, `"errorCode": "", "readOnly"`, 1), ours + " 30"},
		"another_call":       {strings.Replace(record, `"CreateLogGroup"`, `"DeleteLogGroup"`, 1), "0"},
		"another_prefix":     {strings.Replace(record, name, "/gatehouse/test/x", 1), "0"},
		"unknown_group":      {strings.Replace(record, name, name+"/x", 1), "0"},
		"hidden_parameters":  {`{"eventName":"CreateLogGroup","requestParameters":"HIDDEN_DUE_TO_SECURITY_REASONS"}`, "0"},
		"no_parameters":      {`{"eventName":"CreateLogGroup","requestParameters":null}`, "0"},
		"omitted_parameters": {`{"eventName":"CreateLogGroup"}`, "0"},
		"name_is_a_number":   {`{"eventName":"CreateLogGroup","requestParameters":{"logGroupName":1}}`, "0"},
		"nothing":            {``, "0"},
		"a_list":             {`[]`, "0"},
	} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			logs := newLogs(logGroup(name, "", 0))
			var out bytes.Buffer
			if err := onCreated(logs, &out).Created(t.Context(), json.RawMessage(tc.detail)); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(map[string]string{name: tc.want}, logs.Snapshot()); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
			if counted := strings.Contains(out.String(), `"LogGroupsEncrypted":1`); counted != (tc.want != "0") {
				t.Errorf("metrics %q", out.String())
			}
		})
	}
}

func TestCreated_names_the_failed_call(t *testing.T) {
	t.Parallel()
	for call, want := range map[string]string{"DescribeLogGroups": "logs.DescribeLogGroups: no", "AssociateKmsKey": name + ": logs.AssociateKmsKey: no"} {
		logs := newLogs(logGroup(name, "", 0))
		logs.Fail(call, &smithy.GenericAPIError{Code: "no", Message: "quoted"})
		var out bytes.Buffer
		err := onCreated(logs, &out).Created(t.Context(), json.RawMessage(detail(t, "log-group-created.json")))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "quoted") {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// A record that comes twice, or after the group has got a key, changes nothing.
func TestCreated_twice(t *testing.T) {
	t.Parallel()
	logs := newLogs(logGroup(name, theirs, 7))
	var out bytes.Buffer
	for range 2 {
		if err := onCreated(logs, &out).Created(t.Context(), json.RawMessage(detail(t, "log-group-created.json"))); err != nil {
			t.Fatal(err)
		}
	}
	if len(logs.Writes()) != 0 || out.Len() > 0 {
		t.Errorf("writes %v, metrics %q", logs.Writes(), out.String())
	}
}

func FuzzCreated(f *testing.F) {
	f.Add(`{"eventName":"CreateLogGroup","requestParameters":{"logGroupName":"/gatehouse/dev/x"}}`)
	f.Fuzz(func(t *testing.T, text string) {
		logs := newLogs(logGroup("/h/x", "", 0))
		var out bytes.Buffer
		if err := onCreated(logs, &out).Created(t.Context(), json.RawMessage(text)); err != nil || len(logs.Writes()) > 0 {
			t.Errorf("%q: %v, writes %v", text, err, logs.Writes())
		}
	})
}
