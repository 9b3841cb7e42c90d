package awsdeploy

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/kms"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// fakeKeys are keys by id; a key without metadata denies to be described.
type fakeKeys map[string]*kmstypes.KeyMetadata

func (f fakeKeys) ListKeys(context.Context, *kms.ListKeysInput, ...func(*kms.Options)) (*kms.ListKeysOutput, error) {
	out := &kms.ListKeysOutput{}
	for id := range f {
		out.Keys = append(out.Keys, kmstypes.KeyListEntry{KeyId: &id})
	}
	return out, nil
}

func (f fakeKeys) DescribeKey(_ context.Context, in *kms.DescribeKeyInput, _ ...func(*kms.Options)) (*kms.DescribeKeyOutput, error) {
	if f[*in.KeyId] == nil {
		return nil, errors.New("denied")
	}
	return &kms.DescribeKeyOutput{KeyMetadata: f[*in.KeyId]}, nil
}

func TestKeysDescribed(t *testing.T) {
	t.Parallel()
	key := func(id, text string, state kmstypes.KeyState) *kmstypes.KeyMetadata {
		return &kmstypes.KeyMetadata{KeyId: &id, Description: &text, KeyState: state}
	}
	keys := fakeKeys{
		"ours": key("ours", "Gatehouse dev audit table", kmstypes.KeyStateEnabled), "gone": key("gone", "Gatehouse dev x", kmstypes.KeyStatePendingDeletion),
		"other": key("other", "Gatehouse development x", kmstypes.KeyStateEnabled), "theirs": nil,
	}
	got, err := keysDescribed(t.Context(), keys, "Gatehouse dev ")
	if err != nil || len(got) != 1 || got[0] != "ours" {
		t.Errorf("got %v, %v, want ours", got, err)
	}
	if _, err := keysDescribed(t.Context(), fakeKeys{"theirs": nil}, "x"); err == nil {
		t.Error("no error, although no key could be described")
	}
}

func TestResourceIDs(t *testing.T) {
	t.Parallel()
	got, err := resourceIDs(t.Context(), fakeStacks{}, "s")
	if diff := cmp.Diff([]string{"p-1", "nested", "k-1", "f-1"}, got); diff != "" || err != nil {
		t.Errorf("%v, ids (-want +got):\n%s", err, diff)
	}
}

func TestLogGroupNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"template.yaml": `
Parameters: {Environment: {Type: String}, Extra: {Type: String, Default: "off"}}
Conditions: {WithExtra: !Equals [!Ref Extra, "on"]}
Resources:
  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub "/g/${Environment}/a"}}
  B: {Type: AWS::Logs::LogGroup, Condition: WithExtra, Properties: {LogGroupName: /g/extra}}
  C: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub "/g/${Api}"}}
  D: {Type: AWS::Logs::LogGroup}
  Api: {Type: AWS::ApiGateway::RestApi}
  N: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: inner.yaml, Parameters: {Name: !Ref Environment, Api: !Ref Api}}}
`,
		"inner.yaml": "Parameters: {Name: {Type: String}, Api: {Type: String}}\nResources: {E: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub '/n/${Name}'}}}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for extra, want := range map[string][]string{"off": {"/g/dev/a", "/n/dev"}, "on": {"/g/dev/a", "/g/extra", "/n/dev"}} {
		got, err := logGroupNames(t.Context(), filepath.Join(dir, "template.yaml"), map[string]string{"Environment": "dev", "Extra": extra})
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v, names (-want +got):\n%s", extra, err, diff)
		}
	}
}

// Retained resources are found by what their templates call them.
func TestRetainedResourcesAreFound(t *testing.T) {
	t.Parallel()
	all, err := stacks.Discover("../../..")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]int{}
	for _, s := range all {
		files, err := filepath.Glob(filepath.Join(s.Dir, "*.yaml"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			one, err := template.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range one.Resources("") {
				seen[r.Type]++
				switch r.Type {
				case poolType:
					if got := template.Text(r.Prop("UserPoolName")); got != "gatehouse-${Environment}" {
						t.Errorf("%s: the name %s is not looked for", r, got)
					}
				case keyType:
					if got := template.Text(r.Prop("Description")); !strings.HasPrefix(got, "Gatehouse ${Environment} ") {
						t.Errorf("%s: the description %q is not looked for", r, got)
					}
				case "AWS::IAM::Role": // the printed command detaches its one policy
					policies := template.Texts(r.Prop("ManagedPolicyArns"))
					if r.Retained("DeletionPolicy") && (len(policies) != 1 || !strings.HasSuffix(policies[0], "/AmazonAPIGatewayPushToCloudWatchLogs") || r.Prop("Policies") != nil) {
						t.Errorf("%s: retained with the policies %v", r, policies)
					}
				case tableType:
					if r.Prop("TableName") != nil {
						t.Errorf("%s: tables are looked for by the name of their stack", r)
					}
				}
			}
		}
	}
	if seen[poolType] == 0 || seen[tableType] == 0 || seen[keyType] == 0 {
		t.Errorf("pools, tables and keys in the templates: %d, %d, %d", seen[poolType], seen[tableType], seen[keyType])
	}
}

// The check knows every log group of the stacks, in each environment. A group whose name
// it cannot compute would stop a deployment half-way.
func TestEveryLogGroupIsKnown(t *testing.T) {
	t.Parallel()
	all, err := stacks.Discover("../../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, environment := range []string{"dev", "test", "production"} {
		settings, err := readSettings(all, environment, nil)
		if err != nil {
			t.Fatal(err)
		}
		known := 0
		for _, s := range settings {
			file := filepath.Join(s.Dir, "template.yaml")
			// With what some stacks make only on request.
			parameters := maps.Clone(s.Config.Parameters)
			parameters["SesIdentityArn"] = "arn:aws:ses:eu-central-1:111122223333:identity/example.com"
			names, err := logGroupNames(t.Context(), file, parameters)
			if err != nil {
				t.Fatal(err)
			}
			one, err := template.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if groups := len(one.Resources(logGroupType)); len(names) < groups {
				t.Errorf("%s: %d of the %d log groups of %s are known: %v", environment, len(names), groups, s.Name, names)
			}
			for _, name := range names {
				if !strings.HasPrefix(name, "/gatehouse/"+environment+"/") {
					t.Errorf("%s: the log group %s", s.Name, name)
				}
			}
			known += len(names)
		}
		if known < 10 {
			t.Errorf("%s: %d log groups only", environment, known)
		}
	}
}
