package stacks

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/template"
)

const guard = `
Transform: AWS::Serverless-2016-10-31
Parameters:
  OnAws: {Type: String}
  Environment: {Type: String}
Globals:
  Function: {AutoPublishAlias: live, Architectures: [!Ref Architecture]}
Resources:
  GuardFunction:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: !Sub gatehouse-${Environment}-guard-presignup
      CodeUri: cmd/presignup
      Environment:
        Variables:
          TOPIC_ARN: !Sub '{{resolve:ssm:/gatehouse/${Environment}/events/topic-arn}}'
          AGAIN: !Sub '{{resolve:ssm:/gatehouse/${Environment}/events/topic-arn:3}}'
  Packed:
    Type: AWS::Serverless::Function
    Metadata: {SkipBuild: true}
    Properties: {CodeUri: src}
  Short:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Sub '/gatehouse/${Environment}/guard/short', Value: x}
  Long:
    Type: AWS::SSM::Parameter
    Properties:
      Name:
        Fn::Sub: ['/gatehouse/${Environment}/guard/long', {}]
`

func write(t *testing.T, root, dir, text string) string {
	t.Helper()
	dir = filepath.Join(root, dir)
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "template.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestRead(t *testing.T) {
	t.Parallel()
	dir := write(t, t.TempDir(), "services/guard", guard)
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{
		"GuardFunction AWS::Serverless::Function ", "Long AWS::SSM::Parameter /gatehouse/${Environment}/guard/long",
		"Packed AWS::Serverless::Function ",
		"Short AWS::SSM::Parameter /gatehouse/${Environment}/guard/short",
	}, taken(&got)); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	want := Stack{
		Name: "guard", Dir: dir, Parameters: []string{"Environment", "OnAws"},
		Writes:    []string{"/gatehouse/${Environment}/guard/long", "/gatehouse/${Environment}/guard/short"},
		Reads:     []string{"/gatehouse/${Environment}/events/topic-arn"},
		Functions: []Function{{LogicalID: "GuardFunction", Name: "gatehouse-${Environment}-guard-presignup", CodeURI: "cmd/presignup", Alias: "live"}},
		Packed:    []string{"src"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stack (-want +got):\n%s", diff)
	}
	if got := got.Functions[0].FullName("dev"); got != "gatehouse-dev-guard-presignup" {
		t.Errorf("full name %q", got)
	}
}

// taken takes the resources out of a stack: logical id, type and name.
func taken(s *Stack) []string {
	var out []string
	for _, r := range s.Resources {
		out = append(out, r.ID+" "+r.Type+" "+template.Text(r.Prop("Name")))
	}
	s.Resources = nil
	return out
}

func TestReadNamesTheFile(t *testing.T) {
	t.Parallel()
	dir := write(t, t.TempDir(), "x", "Resources: [")
	if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), "template.yaml") {
		t.Errorf("got %v, want an error that names the file", err)
	}
}

const outer = `
Parameters:
  Environment: {Type: String}
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: inner.yaml, Parameters: {Own: a}}
  Elsewhere:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: https://example.com/inner.yaml}
  P:
    Type: AWS::SSM::Parameter
    Properties: {Name: /gatehouse/x/outer/p, Value: !Sub '{{resolve:ssm:/gatehouse/x/other/a}}'}
`

const inner = `
Parameters:
  Own: {Type: String}
Resources:
  Q:
    Type: AWS::SQS::Queue
    Properties: {QueueName: '{{resolve:ssm:/gatehouse/x/other/a}}'}
  P:
    Type: AWS::SSM::Parameter
    Properties: {Name: /gatehouse/x/outer/inner, Value: '{{resolve:ssm:/gatehouse/x/other/b}}'}
`

// Nested templates are part of their stack, but for their parameters.
func TestReadNested(t *testing.T) {
	t.Parallel()
	dir := write(t, t.TempDir(), "services/outer", outer)
	if err := os.WriteFile(filepath.Join(dir, "inner.yaml"), []byte(inner), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := Stack{
		Name: "outer", Dir: dir, Parameters: []string{"Environment"}, Nested: []string{filepath.Join(dir, "inner.yaml")},
		Writes: []string{"/gatehouse/x/outer/inner", "/gatehouse/x/outer/p"},
		Reads:  []string{"/gatehouse/x/other/a", "/gatehouse/x/other/b"},
	}
	if resources := taken(&got); len(resources) != 5 {
		t.Errorf("resources %q, want 5, with those of the nested template", resources)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stack (-want +got):\n%s", diff)
	}
}

func TestReadNestedFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ inner, want string }{
		"missing":    {"", "inner.yaml"},
		"broken":     {"Resources: [", "inner.yaml"},
		"function":   {"Resources: {F: {Type: AWS::Serverless::Function}}", "move its functions to template.yaml"},
		"own_parent": {"Resources: {A: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: template.yaml}}}", "a second time"},
		"itself":     {"Resources: {A: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: inner.yaml}}}", "a second time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, t.TempDir(), "x", outer)
			if tc.inner != "" {
				if err := os.WriteFile(filepath.Join(dir, "inner.yaml"), []byte(tc.inner), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := Read(dir); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestGraph(t *testing.T) {
	t.Parallel()
	topic, guard := "/topic", "/guard"
	tests := map[string]struct {
		stacks []Stack
		levels [][]string
		err    string
	}{
		"levels": {
			stacks: []Stack{
				{Name: "platform", Reads: []string{guard, topic}},
				{Name: "guard", Reads: []string{topic}, Writes: []string{guard}},
				{Name: "audit", Reads: []string{topic}},
				{Name: "events", Writes: []string{topic}},
			},
			levels: [][]string{{"events"}, {"audit", "guard"}, {"platform"}},
		},
		"reads_its_own": {
			stacks: []Stack{{Name: "events", Writes: []string{topic}, Reads: []string{topic}}},
			levels: [][]string{{"events"}},
		},
		"cycle": {
			stacks: []Stack{
				{Name: "a", Writes: []string{topic}, Reads: []string{guard}},
				{Name: "b", Writes: []string{guard}, Reads: []string{topic}},
			},
			err: "in a cycle: a, b",
		},
		"no_writer":   {stacks: []Stack{{Name: "a", Reads: []string{topic}}}, err: "no template writes"},
		"two_writers": {stacks: []Stack{{Name: "a", Writes: []string{topic}}, {Name: "b", Writes: []string{topic}}}, err: "both a and b"},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, err := NewGraph(tc.stacks)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("got %v, want %q", err, tc.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			levels, err := g.Levels()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.levels, levels); diff != "" {
				t.Errorf("levels (-want +got):\n%s", diff)
			}
		})
	}
}

// The real templates must give a graph at any time.
func TestTheRepositorysGraph(t *testing.T) {
	t.Parallel()
	all, err := Discover("../..")
	if err != nil {
		t.Fatal(err)
	}
	g, err := NewGraph(all)
	if err != nil {
		t.Fatal(err)
	}
	levels, err := g.Levels()
	if err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"log-encryptor"}, {"user-events"}, {"messages", "migration", "passwordless", "signin-audit", "signup-guard"}, {"platform"}, {"api"}}
	if diff := cmp.Diff(want, levels); diff != "" {
		t.Errorf("levels (-want +got):\n%s", diff)
	}
}
