package cfn_test

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/cfn"
)

var oneChange = []types.Change{{ResourceChange: &types.ResourceChange{LogicalResourceId: aws.String("R")}}}

// calls are the operations on a stack, by the API's name.
var calls = map[string]func(context.Context, cfn.Stacks) error{
	"CreateStack": func(ctx context.Context, api cfn.Stacks) error {
		return cfn.CreateStack(ctx, api, cloudformation.CreateStackInput{StackName: aws.String("s"), Parameters: cfn.Parameters(map[string]string{"Key": "value"})})
	},
	"UpdateStack": func(ctx context.Context, api cfn.Stacks) error {
		return cfn.UpdateStack(ctx, api, cloudformation.UpdateStackInput{StackName: aws.String("s")})
	},
	"DeleteStack":      func(ctx context.Context, api cfn.Stacks) error { return cfn.DeleteStack(ctx, api, "s") },
	"ExecuteChangeSet": func(ctx context.Context, api cfn.Stacks) error { return cfn.ExecuteChangeSet(ctx, api, "s", "c") },
}

func TestALostAnswerDoesNotFailTheCall(t *testing.T) {
	t.Parallel()
	for action, call := range calls {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			a := &account{stack: "CREATE_COMPLETE"}
			if err := call(t.Context(), start(t, a)); err != nil {
				t.Fatal(err)
			}
			if a.attempts[action] != 2 || len(a.tokens) != 1 {
				t.Errorf("%d attempts with %d tokens, want 2 with the same token", a.attempts[action], len(a.tokens))
			}
		})
	}
}

func TestARefusedCallFails(t *testing.T) {
	t.Parallel()
	for action, call := range calls {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			err := call(t.Context(), start(t, &account{stack: "CREATE_COMPLETE", refuses: true}))
			if err == nil || !strings.Contains(err.Error(), "cloudformation."+action) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAFailedOperationNamesTheFirstFailure(t *testing.T) {
	t.Parallel()
	for action, call := range calls {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			a := &account{stack: "CREATE_COMPLETE", fails: true}
			a.event("", "UPDATE_FAILED", "an earlier operation")
			err := call(t.Context(), start(t, a))
			if err == nil || err.Error() != "R2: no permission; R4: a later failure" {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestAnInterruptedOperationContinues(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	api := interrupting{start(t, &account{stack: "UPDATE_IN_PROGRESS"}), cancel}
	err := calls["UpdateStack"](ctx, api)
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "CloudFormation continues") {
		t.Errorf("got %v", err)
	}
}

// interrupting cancels the context when an update has begun.
type interrupting struct {
	cfn.Stacks
	cancel func()
}

func (i interrupting) UpdateStack(context.Context, *cloudformation.UpdateStackInput, ...func(*cloudformation.Options)) (*cloudformation.UpdateStackOutput, error) {
	i.cancel()
	return nil, nil
}

func TestDeletingAMissingStackIsNotAnError(t *testing.T) {
	t.Parallel()
	if err := cfn.DeleteStack(t.Context(), start(t, &account{}), "s"); err != nil {
		t.Error(err)
	}
}

func TestCreateChangeSet(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		account *account
		err     string
	}{
		"made":    {&account{}, ""},
		"empty":   {&account{set: "FAILED", setReason: "The submitted information didn't contain changes."}, ""},
		"failed":  {&account{set: "FAILED", setReason: "no template"}, "the change set failed: no template"},
		"refused": {&account{refuses: true}, "cloudformation.CreateChangeSet"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := tc.account
			set, err := cfn.CreateChangeSet(t.Context(), start(t, a), cloudformation.CreateChangeSetInput{StackName: aws.String("s"), ChangeSetName: aws.String("c")})
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Errorf("got %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := aws.ToString(set.ChangeSetId); got != "set" || a.attempts["CreateChangeSet"] != 2 || len(a.tokens) != 1 {
				t.Errorf("%s after %d attempts with %d tokens, want 2 with the same token", got, a.attempts["CreateChangeSet"], len(a.tokens))
			}
		})
	}
}

func TestDescribeChangeSetReadsAllPages(t *testing.T) {
	t.Parallel()
	set, err := cfn.DescribeChangeSet(t.Context(), pages{}, "s", "c")
	if err != nil || len(set.Changes) != 2 {
		t.Errorf("got %+v, %v", set, err)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for _, want := range []types.StackStatus{"", types.StackStatusCreateComplete, types.StackStatusReviewInProgress} {
		api := start(t, &account{stack: string(want)})
		if got, err := cfn.Status(t.Context(), api, "s"); err != nil || got != want {
			t.Errorf("Status = %q, %v, want %q", got, err, want)
		}
		if got, err := cfn.Settle(t.Context(), api, "s"); err != nil || got != want {
			t.Errorf("Settle = %q, %v, want %q", got, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cfn.Settle(ctx, start(t, &account{stack: "UPDATE_IN_PROGRESS"}), "s"); err == nil {
		t.Error("an update in progress is settled")
	}
}

func TestOutputs(t *testing.T) {
	t.Parallel()
	got, err := cfn.Outputs(t.Context(), start(t, &account{stack: "CREATE_COMPLETE"}), "s")
	if diff := cmp.Diff(map[string]string{"Key": "value"}, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	if _, err := cfn.Outputs(t.Context(), start(t, &account{}), "s"); err == nil || !strings.Contains(err.Error(), "s does not exist") {
		t.Errorf("got %v", err)
	}
}

// fakeEvents are a stack's, the newest first, one on each page.
type fakeEvents []types.StackEvent

func (f fakeEvents) DescribeStackEvents(_ context.Context, in *cloudformation.DescribeStackEventsInput, _ ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error) {
	at := 0
	if in.NextToken != nil {
		at, _ = strconv.Atoi(*in.NextToken)
	}
	out := &cloudformation.DescribeStackEventsOutput{StackEvents: f[at : at+1]}
	if at+1 < len(f) {
		out.NextToken = aws.String(strconv.Itoa(at + 1))
	}
	return out, nil
}

func TestFailures(t *testing.T) {
	t.Parallel()
	event := func(id string, status types.ResourceStatus, reason string) types.StackEvent {
		return types.StackEvent{EventId: &id, LogicalResourceId: &id, ResourceStatus: status, ResourceStatusReason: &reason}
	}
	events := fakeEvents{
		event("Stack", types.ResourceStatusRollbackComplete, ""),
		event("Third", types.ResourceStatusCreateFailed, "Resource creation cancelled"),
		event("Second", types.ResourceStatusCreateFailed, "no permission"),
		event("First", types.ResourceStatusCreateFailed, "no such queue"),
		event("Good", types.ResourceStatusCreateComplete, ""),
		event("Earlier", types.ResourceStatusUpdateFailed, "of another day"),
	}
	want := []string{"First: no such queue", "Second: no permission"}
	if diff := cmp.Diff(want, cfn.Failures(t.Context(), events, "s", "Earlier")); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
	if got := cfn.LastEvent(t.Context(), events, "s"); got != "Stack" {
		t.Errorf("the last event is %q", got)
	}
}

// nestedEvents are the events of several stacks.
type nestedEvents map[string]fakeEvents

func (n nestedEvents) DescribeStackEvents(ctx context.Context, in *cloudformation.DescribeStackEventsInput, o ...func(*cloudformation.Options)) (*cloudformation.DescribeStackEventsOutput, error) {
	return n[*in.StackName].DescribeStackEvents(ctx, in, o...)
}

// The event of a nested stack is as in AWS's answers: it names only what failed.
func TestFailuresInNestedStacks(t *testing.T) {
	t.Parallel()
	event := func(id, typ, physical string, status types.ResourceStatus, reason string, minute int) types.StackEvent {
		at := time.Date(2026, 11, 29, 8, minute, 0, 0, time.UTC)
		return types.StackEvent{
			EventId: aws.String(id + reason), LogicalResourceId: &id, ResourceType: &typ, PhysicalResourceId: &physical, StackId: aws.String("parent"),
			ResourceStatus: status, ResourceStatusReason: &reason, Timestamp: &at,
		}
	}
	const stack = "AWS::CloudFormation::Stack"
	events := nestedEvents{
		"parent": {
			event("parent", stack, "parent", types.ResourceStatusUpdateFailed, "Export with name x exists", 9),
			event("Below", stack, "below", types.ResourceStatusUpdateFailed, "Embedded stack below was not successfully updated: The following resource(s) failed to create: [Alarm]. ", 8),
			event("Below", stack, "below", types.ResourceStatusUpdateInProgress, "", 5),
			event("Below", stack, "below", types.ResourceStatusUpdateFailed, "the update before", 2),
		},
		"below": {
			event("Alarm", "AWS::CloudWatch::Alarm", "", types.ResourceStatusCreateFailed, "no such metric", 7),
			event("Alarm", "AWS::CloudWatch::Alarm", "", types.ResourceStatusCreateFailed, "of the update before", 1),
		},
	}
	want := []string{"Below: Alarm: no such metric", "parent: Export with name x exists"}
	if diff := cmp.Diff(want, cfn.Failures(t.Context(), events, "parent", "Belowthe update before")); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}
