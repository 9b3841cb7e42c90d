package encryptor_test

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/services/log-encryptor/internal/encryptor"
)

func handler(logs *fakeLogs) *encryptor.ResourceHandler {
	return &encryptor.ResourceHandler{
		Groups: &encryptor.Directory{Logs: logs}, Keeper: &encryptor.Keeper{Logs: logs, KeyARN: ours}, Logs: logs,
		Prefixes: encryptor.Prefixes{Include: []string{"/a", "/b"}, Exclude: []string{"/a/excluded"}}, Log: slog.New(slog.DiscardHandler),
	}
}

// request is one as CloudFormation sends it, with these properties in addition to
// the service token.
func request(kind cfn.RequestType, id string, properties ...string) cfn.Event {
	e := cfn.Event{RequestType: kind, PhysicalResourceID: id, ResourceProperties: map[string]any{"ServiceToken": "arn:function"}}
	for _, p := range properties {
		name, value, _ := strings.Cut(p, "=")
		e.ResourceProperties[name] = value
	}
	return e
}

func TestHandle(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		groups []types.LogGroup
		event  cfn.Event
		id     string
		err    string
		after  map[string]string
	}{
		"create": {
			[]types.LogGroup{logGroup("/a", "", 0)}, request(cfn.RequestCreate, "", "LogGroupName=/a"),
			"/a", "", map[string]string{"/a": ours + " 0"},
		},
		"create_with_retention": {
			[]types.LogGroup{logGroup("/a", "", 7)}, request(cfn.RequestCreate, "", "LogGroupName=/a", "RetentionInDays=30", "Revision=2"),
			"/a", "", map[string]string{"/a": ours + " 30"},
		},
		"create_of_none": {nil, request(cfn.RequestCreate, "", "LogGroupName=/a"), "(not made)", "does not exist; create it first", map[string]string{}},
		"create_and_make": {
			nil, request(cfn.RequestCreate, "", "LogGroupName=/a", "CreateIfMissing=true", "RetentionInDays=1"),
			"/a", "", map[string]string{"/a": ours + " 1"},
		},
		"create_another_key": {
			[]types.LogGroup{logGroup("/a", theirs, 0)}, request(cfn.RequestCreate, "", "LogGroupName=/a"),
			"(not made)", "another key, arn:theirs", map[string]string{"/a": theirs + " 0"},
		},
		"update_repairs": {
			[]types.LogGroup{logGroup("/a", "", 3653)}, request(cfn.RequestUpdate, "/a", "LogGroupName=/a", "RetentionInDays=30"),
			"/a", "", map[string]string{"/a": ours + " 30"},
		},
		"update_replaces": {
			[]types.LogGroup{logGroup("/a", ours, 0), logGroup("/b", "", 0)}, request(cfn.RequestUpdate, "/a", "LogGroupName=/b"),
			"/b", "", map[string]string{"/a": ours + " 0", "/b": ours + " 0"},
		},
		"update_fails": {
			[]types.LogGroup{logGroup("/a", ours, 0)}, request(cfn.RequestUpdate, "/a", "LogGroupName=/b"),
			"/a", "/b does not exist", map[string]string{"/a": ours + " 0"},
		},
		"delete_keeps": {
			[]types.LogGroup{logGroup("/a", ours, 0)}, request(cfn.RequestDelete, "/a", "LogGroupName=/a"),
			"/a", "", map[string]string{"/a": ours + " 0"},
		},
		"delete_disassociates": {
			[]types.LogGroup{logGroup("/a", ours, 7)}, request(cfn.RequestDelete, "/a", "LogGroupName=/a", "OnDelete=Disassociate"),
			"/a", "", map[string]string{"/a": "7"},
		},
		"delete_spares_another_key": {
			[]types.LogGroup{logGroup("/a", theirs, 0)}, request(cfn.RequestDelete, "/a", "LogGroupName=/a", "OnDelete=Disassociate"),
			"/a", "", map[string]string{"/a": theirs + " 0"},
		},
		"create_outside": {
			[]types.LogGroup{logGroup("/c", "", 0)}, request(cfn.RequestCreate, "", "LogGroupName=/c"),
			"(not made)", "may not touch log group /c", map[string]string{"/c": "0"},
		},
		"create_and_make_outside": {
			nil, request(cfn.RequestCreate, "", "LogGroupName=/c", "CreateIfMissing=true"),
			"(not made)", "may not touch log group /c", map[string]string{},
		},
		"create_excluded": {
			[]types.LogGroup{logGroup("/a/excluded", "", 0)}, request(cfn.RequestCreate, "", "LogGroupName=/a/excluded"),
			"/a/excluded", "", map[string]string{"/a/excluded": ours + " 0"},
		},
		"update_to_outside": {
			[]types.LogGroup{logGroup("/a", ours, 0), logGroup("/c", "", 0)}, request(cfn.RequestUpdate, "/a", "LogGroupName=/c"),
			"/a", "may not touch log group /c", map[string]string{"/a": ours + " 0", "/c": "0"},
		},
		"delete_outside": {
			[]types.LogGroup{logGroup("/c", ours, 0)}, request(cfn.RequestDelete, "/c", "LogGroupName=/c", "OnDelete=Disassociate"),
			"/c", "", map[string]string{"/c": ours + " 0"},
		},
		"delete_of_a_deleted_group": {nil, request(cfn.RequestDelete, "/a", "LogGroupName=/a", "OnDelete=Disassociate"), "/a", "", map[string]string{}},
		"rollback_of_a_failed_create": {
			[]types.LogGroup{logGroup("/a", ours, 0)}, request(cfn.RequestDelete, "(not made)", "LogGroupName=/a", "OnDelete=Disassociate"),
			"(not made)", "", map[string]string{"/a": ours + " 0"},
		},
		"rollback_of_wrong_properties": {
			[]types.LogGroup{logGroup("/a", ours, 0)}, request(cfn.RequestDelete, "(not made)", "LogGroup=/a", "OnDelete=Disassociate"),
			"(not made)", "", map[string]string{"/a": ours + " 0"},
		},
		"unknown_request": {nil, request("Move", "/a", "LogGroupName=/a"), "/a", `request type "Move"`, map[string]string{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			logs := newLogs(tc.groups...)
			// CloudFormation may send a request twice; both answers and the outcome are the same.
			for range 2 {
				id, data, err := handler(logs).Handle(t.Context(), tc.event)
				if id != tc.id || (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
					t.Errorf("Handle = %q, %v; want %q, %q", id, err, tc.id, tc.err)
				}
				if err == nil && tc.event.RequestType != cfn.RequestDelete && (data["LogGroupName"] != tc.id || data["KmsKeyArn"] != ours || data["Arn"] == "") {
					t.Errorf("data %v", data)
				}
			}
			if diff := cmp.Diff(tc.after, logs.Snapshot()); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

func TestHandle_refuses_properties(t *testing.T) {
	t.Parallel()
	for want, properties := range map[string][]string{
		"property LogGroupName is \"\"":       nil,
		"property LogGroupName is \"/a*\"":    {"LogGroupName=/a*"},
		"property LogGroupName is \"aws/x\"":  {"LogGroupName=aws/x"},
		"property RetentionInDays is \"8\"":   {"LogGroupName=/a", "RetentionInDays=8"},
		"property RetentionInDays is \"ten\"": {"LogGroupName=/a", "RetentionInDays=ten"},
		"property CreateIfMissing is \"yes\"": {"LogGroupName=/a", "CreateIfMissing=yes"},
		"property OnDelete is \"Delete\"":     {"LogGroupName=/a", "OnDelete=Delete"},
		"property LogGroupname is not known":  {"LogGroupname=/a"},
		"property KmsKeyId is not known":      {"LogGroupName=/a", "KmsKeyId=x"},
	} {
		logs := newLogs(logGroup("/a", "", 0))
		id, _, err := handler(logs).Handle(t.Context(), request(cfn.RequestCreate, "", properties...))
		if id != "(not made)" || err == nil || !strings.Contains(err.Error(), want) || len(logs.Writes()) > 0 {
			t.Errorf("%v: %q, %v, writes %v", properties, id, err, logs.Writes())
		}
	}
	e := request(cfn.RequestCreate, "", "LogGroupName=/a")
	e.ResourceProperties["RetentionInDays"] = []any{"1"}
	if _, _, err := handler(newLogs()).Handle(t.Context(), e); err == nil || !strings.Contains(err.Error(), "not a single value") {
		t.Errorf("a list: %v", err)
	}
}

// A rollback succeeds even if CloudWatch Logs fails: that may be why it rolls back.
func TestHandle_rolls_back_without_a_call(t *testing.T) {
	t.Parallel()
	logs := newLogs()
	logs.Fail("DescribeLogGroups", errors.New("no"))
	create := request(cfn.RequestCreate, "", "LogGroupName=/a", "OnDelete=Disassociate")
	id, _, err := handler(logs).Handle(t.Context(), create)
	if err == nil {
		t.Fatal("the creation succeeded")
	}
	if _, _, err := handler(logs).Handle(t.Context(), request(cfn.RequestDelete, id, "LogGroupName=/a", "OnDelete=Disassociate")); err != nil {
		t.Errorf("rollback: %v", err)
	}
}

// The error that CloudFormation shows says what to do.
func TestHandle_explains_refusals(t *testing.T) {
	t.Parallel()
	for failure, want := range map[smithy.GenericAPIError]string{
		{Code: "AccessDeniedException", Message: "User: x is not authorized to perform: logs:AssociateKmsKey"}:                                  "IncludePrefixes",
		{Code: "AccessDeniedException", Message: "The specified KMS key does not exist or is not allowed to be used with Arn 'arn:aws:logs:x'"}: "is it enabled",
		{Code: "InvalidParameterException"}: "is it enabled",
		{Code: "LimitExceededException"}:    "LimitExceededException",
	} {
		for _, call := range []string{"AssociateKmsKey", "PutRetentionPolicy", "CreateLogGroup"} {
			logs := newLogs()
			if call != "CreateLogGroup" {
				logs.Put(logGroup("/a", "", 0))
			}
			logs.Fail(call, &failure)
			_, _, err := handler(logs).Handle(t.Context(), request(cfn.RequestCreate, "", "LogGroupName=/a", "RetentionInDays=1", "CreateIfMissing=true"))
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), call) {
				t.Errorf("%s of %s: %v", failure.Code, call, err)
			}
		}
	}
	logs := newLogs(logGroup("/a", ours, 0))
	logs.Fail("DisassociateKmsKey", errors.New("no"))
	if _, _, err := handler(logs).Handle(t.Context(), request(cfn.RequestDelete, "/a", "LogGroupName=/a", "OnDelete=Disassociate")); err == nil {
		t.Error("a deletion that could not do what it was asked for succeeded")
	}
	// A refusal would be the same at every attempt, and the stack would stay forever.
	logs.Fail("DisassociateKmsKey", &smithy.GenericAPIError{Code: "AccessDeniedException"})
	if _, _, err := handler(logs).Handle(t.Context(), request(cfn.RequestDelete, "/a", "LogGroupName=/a", "OnDelete=Disassociate")); err != nil {
		t.Errorf("a refused deletion: %v", err)
	}
}

// The payload files go through a life of the resource.
func TestHandle_the_payload_files(t *testing.T) {
	t.Parallel()
	const name = "API-Gateway-Execution-Logs_a1b2c3d4e5/live"
	logs := newLogs()
	for _, step := range []struct{ file, want string }{
		{"create", ours + " 30"}, {"update", ours + " 30"}, {"delete", "30"},
	} {
		text, err := os.ReadFile("../../events/custom-resource-" + step.file + ".json")
		if err != nil {
			t.Fatal(err)
		}
		var e cfn.Event
		if err := json.Unmarshal(text, &e); err != nil {
			t.Fatal(err)
		}
		if id, _, err := handler(logs).Handle(t.Context(), e); err != nil || id != name {
			t.Errorf("%s: %q, %v", step.file, id, err)
		}
		if diff := cmp.Diff(map[string]string{name: step.want}, maps.Clone(logs.Snapshot())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.file, diff)
		}
	}
}
