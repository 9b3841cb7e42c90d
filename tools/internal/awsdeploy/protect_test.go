package awsdeploy

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/dataloss"
	"gatehouse.example/tools/stacks"
)

// fakeProtector records its calls.
type fakeProtector struct {
	calls []string
	err   error
}

func (f *fakeProtector) SetStackPolicy(_ context.Context, in *cloudformation.SetStackPolicyInput, _ ...func(*cloudformation.Options)) (*cloudformation.SetStackPolicyOutput, error) {
	f.calls = append(f.calls, "policy "+*in.StackName)
	if *in.StackPolicyBody != "{}" {
		f.calls = append(f.calls, "another policy")
	}
	return nil, f.err
}

func (f *fakeProtector) UpdateTerminationProtection(_ context.Context, in *cloudformation.UpdateTerminationProtectionInput, _ ...func(*cloudformation.Options)) (*cloudformation.UpdateTerminationProtectionOutput, error) {
	f.calls = append(f.calls, map[bool]string{true: "protect ", false: "release "}[*in.EnableTerminationProtection]+*in.StackName)
	return nil, nil
}

// ListStackResources returns one nested stack in s and none in that.
func (f *fakeProtector) ListStackResources(_ context.Context, in *cloudformation.ListStackResourcesInput, _ ...func(*cloudformation.Options)) (*cloudformation.ListStackResourcesOutput, error) {
	out := &cloudformation.ListStackResourcesOutput{}
	if *in.StackName == "s" {
		out.StackResourceSummaries = []types.StackResourceSummary{
			{ResourceType: aws.String("AWS::SNS::Topic"), PhysicalResourceId: aws.String("topic")},
			{ResourceType: aws.String("AWS::CloudFormation::Stack"), PhysicalResourceId: aws.String("nested")},
		}
	}
	return out, nil
}

func TestProtect(t *testing.T) {
	t.Parallel()
	f := &fakeProtector{}
	if err := protect(t.Context(), f, "s", "{}"); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"policy s", "policy nested", "protect s"}, f.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	f = &fakeProtector{err: errors.New("no")}
	if err := protect(t.Context(), f, "s", "{}"); err == nil || !strings.Contains(err.Error(), "SetStackPolicy") {
		t.Errorf("got %v, want the callee's name", err)
	}
}

// The policy denies what the plan refuses, and nothing else.
func TestThePolicyCoversEveryKindOfDataLoss(t *testing.T) {
	t.Parallel()
	var p struct {
		Statement []struct {
			Effect    string
			Action    any
			Condition struct {
				StringEquals struct{ ResourceType []string }
			}
		}
	}
	policy, err := stackPolicy("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(policy), &p); err != nil {
		t.Fatal(err)
	}
	want := dataloss.Types()
	if len(p.Statement) != 2 || p.Statement[1].Effect != "Deny" {
		t.Fatalf("statements %+v", p.Statement)
	}
	if diff := cmp.Diff(want, p.Statement[1].Condition.StringEquals.ResourceType); diff != "" {
		t.Errorf("types of the stack policy (-dataloss/kinds.json +policy):\n%s", diff)
	}
	if diff := cmp.Diff([]any{"Update:Replace", "Update:Delete"}, p.Statement[1].Action); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

// A resource that is retained when its stack is deleted is also kept when the stack changes.
func TestThePolicyCoversWhatTemplatesRetain(t *testing.T) {
	t.Parallel()
	all, err := stacks.Discover("../../..")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, s := range all {
		for id, typ := range retainedInFolder(t, s.Dir) {
			seen++
			// Retained for the rest of the account; they hold no data.
			if typ == "AWS::ApiGateway::Account" || typ == "AWS::IAM::Role" {
				continue
			}
			if !slices.Contains(dataloss.Types(), typ) {
				t.Errorf("%s: %s (%s) is retained, but the stack policy lets an update replace it: add its type to pipeline/stack-policy.json and tools/dataloss/kinds.json", s.Name, id, typ)
			}
		}
	}
	if seen == 0 {
		t.Error("no template retains anything; does the test read them?")
	}
}
