package runner

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"
)

// endpoint is a CloudFormation endpoint with one stack and one change set.
type endpoint struct {
	mu     sync.Mutex
	stack  string // status of the stack; empty means that it does not exist
	reason string // why the change set failed; empty means that it has a change
	// calls are the changing calls, each with some of its parameters.
	calls []string
}

func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	defer e.mu.Unlock()
	_ = r.ParseForm()
	action, result := r.Form.Get("Action"), ""
	switch action {
	case "DescribeStacks":
		if e.stack == "" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, "<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack s does not exist</Message></Error></ErrorResponse>")
			return
		}
		result = "<Stacks><member><StackName>s</StackName><StackStatus>" + e.stack + "</StackStatus>" +
			"<Outputs><member><OutputKey>Key</OutputKey><OutputValue>value</OutputValue></member></Outputs></member></Stacks>"
	case "DescribeChangeSet":
		result = "<Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus><Changes><member><ResourceChange>" +
			"<Action>Add</Action><LogicalResourceId>R</LogicalResourceId><ResourceType>AWS::SNS::Topic</ResourceType></ResourceChange></member></Changes>"
		if e.reason != "" {
			result = "<Status>FAILED</Status><ExecutionStatus>UNAVAILABLE</ExecutionStatus><StatusReason>" + e.reason + "</StatusReason>"
		}
	case "GetTemplate":
		result = "<TemplateBody>Resources: {}</TemplateBody>"
	case "CreateChangeSet", "DeleteChangeSet", "ExecuteChangeSet", "SetStackPolicy":
		e.calls = append(e.calls, strings.Join(strings.Fields(action+" "+r.Form.Get("ChangeSetType")+" "+r.Form.Get("RoleARN")+" "+r.Form.Get("StackPolicyBody")), " "))
		if action == "ExecuteChangeSet" {
			e.stack = "UPDATE_COMPLETE"
		}
	}
	_, _ = fmt.Fprintf(w, "<%[1]sResponse><%[1]sResult>%[2]s</%[1]sResult></%[1]sResponse>", action, result)
}

func newStack(t *testing.T, e *endpoint) Stack {
	t.Helper()
	srv := httptest.NewServer(e)
	t.Cleanup(srv.Close)
	client := cloudformation.New(cloudformation.Options{
		Region: "us-east-1", BaseEndpoint: &srv.URL, Credentials: credentials.NewStaticCredentialsProvider("id", "key", ""),
	})
	return Stack{Client: client, Root: client, Name: "s", SetName: "release"}
}

func TestStackReplace(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status, reason string
		set            ChangeSet
		want           []string
		changes        int
		err            string
	}{
		"new_stack":   {"", "", ChangeSet{Role: "arn:role"}, []string{"DeleteChangeSet", "CreateChangeSet CREATE arn:role"}, 1, ""},
		"in_review":   {"REVIEW_IN_PROGRESS", "", ChangeSet{}, []string{"DeleteChangeSet", "CreateChangeSet CREATE"}, 1, ""},
		"with_policy": {"UPDATE_COMPLETE", "", ChangeSet{Policy: "{}"}, []string{"DeleteChangeSet", "CreateChangeSet UPDATE", "SetStackPolicy {}"}, 1, ""},
		"no_changes":  {"UPDATE_COMPLETE", "The submitted information didn't contain changes.", ChangeSet{}, []string{"DeleteChangeSet", "CreateChangeSet UPDATE"}, 0, ""},
		"failed":      {"UPDATE_COMPLETE", "no such parameter", ChangeSet{}, []string{"DeleteChangeSet", "CreateChangeSet UPDATE"}, 0, "no such parameter"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &endpoint{stack: tc.status, reason: tc.reason}
			changes, err := newStack(t, e).Replace(t.Context(), tc.set)
			if len(changes) != tc.changes || (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Errorf("got %d changes, %v", len(changes), err)
			}
			if diff := cmp.Diff(tc.want, e.calls); diff != "" {
				t.Errorf("calls (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStackExecute(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		reason   string
		executed bool
	}{"changes": {"", true}, "no_changes": {"The submitted information didn't contain changes.", false}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := &endpoint{stack: "UPDATE_COMPLETE", reason: tc.reason}
			outputs, executed, err := newStack(t, e).Execute(t.Context())
			if err != nil || executed != tc.executed || outputs["Key"] != "value" {
				t.Errorf("got %v, %v, %v", outputs, executed, err)
			}
			if slices.Contains(e.calls, "ExecuteChangeSet") != tc.executed {
				t.Errorf("calls %v", e.calls)
			}
		})
	}
}

func TestSummary(t *testing.T) {
	t.Parallel()
	change := func(action types.ChangeAction) types.Change {
		return types.Change{ResourceChange: &types.ResourceChange{Action: action}}
	}
	got := []string{
		summary(nil),
		summary([]types.Change{change(types.ChangeActionAdd), change(types.ChangeActionModify), change(types.ChangeActionDynamic), change(types.ChangeActionRemove)}),
	}
	if diff := cmp.Diff([]string{"no changes", "1 to add, 2 to change, 1 to remove"}, got); diff != "" {
		t.Errorf("summaries (-want +got):\n%s", diff)
	}
}
