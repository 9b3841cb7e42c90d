package template_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/template"
)

const guard = `# The guard.
Parameters:
  Environment: {Type: String, Default: dev, AllowedValues: [dev, test]}
  Count: {Type: Number, Default: 5}
  Domains: {Type: CommaDelimitedList}
Resources:
  Topic: # of events
    Type: AWS::SNS::Topic
    DeletionPolicy: RetainExceptOnCreate
    # First reason.
    # Second reason.
    Properties: {TopicName: !Sub "gatehouse-${Environment}-events"}
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: inner.yaml}
  Outer:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: "https://bucket/outer.yaml"}
  Queue:
    Type: AWS::SQS::Queue
    DeletionPolicy: Delete
    Properties: {Key: "{{resolve:ssm:/gatehouse/${Environment}/log/key-arn:3}}", Again: "{{resolve:ssm:/x}}{{resolve:ssm:/y}}"}
`

func parse(t *testing.T, text string) *template.Template {
	t.Helper()
	parsed, err := template.Parse("x.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	got := parse(t, guard)
	var resources []string
	for _, r := range got.Resources("") {
		resources = append(resources, r.ID+" "+r.Type)
	}
	want := []string{"Topic AWS::SNS::Topic", "Inner AWS::CloudFormation::Stack", "Outer AWS::CloudFormation::Stack", "Queue AWS::SQS::Queue"}
	if diff := cmp.Diff(want, resources); diff != "" {
		t.Errorf("resources (-want +got):\n%s", diff)
	}
	dev, five := "dev", "5"
	parameters := []template.Parameter{
		{Name: "Environment", Type: "String", Default: &dev, Allowed: []string{"dev", "test"}},
		{Name: "Count", Type: "Number", Default: &five},
		{Name: "Domains", Type: "CommaDelimitedList"},
	}
	if diff := cmp.Diff(parameters, got.Parameters()); diff != "" {
		t.Errorf("parameters (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"inner.yaml"}, got.Nested()); diff != "" {
		t.Errorf("nested templates (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/gatehouse/${Environment}/log/key-arn", "/x", "/y"}, got.SSMNames()); diff != "" {
		t.Errorf("SSM names (-want +got):\n%s", diff)
	}
	topic, queue := got.Resources("AWS::SNS::Topic")[0], got.Resources("AWS::SQS::Queue")[0]
	if !topic.Retained("DeletionPolicy") || topic.Retained("UpdateReplacePolicy") || queue.Retained("DeletionPolicy") {
		t.Error("only the topic's DeletionPolicy retains anything")
	}
	if topic.String() != "x.yaml: Topic" || topic.Key.Line != 7 {
		t.Errorf("%s in line %d", topic, topic.Key.Line)
	}
	if got := got.CommentAbove(topic.Prop().Line); got != "# First reason.\n# Second reason." {
		t.Errorf("comment %q", got)
	}
	if got := got.CommentAbove(topic.Key.Line); got != "# of events" {
		t.Errorf("comment %q", got)
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ text, want string }{
		"empty":     {"", ""},
		"json":      {`{"Resources": {"A": {"Type": "T", "Properties": {"P": {"Ref": "Q"}}}}}`, ""},
		"broken":    {"Resources: [", "x.yaml: yaml.Unmarshal"},
		"list":      {"- a", "not a mapping"},
		"section":   {"Resources: [a]", "line 1: Resources is not a mapping"},
		"alias":     {"Resources: {A: &a {Type: T}, B: *a}", "does not support YAML aliases"},
		"endless":   {"Resources: &a {A: *a}", "does not support YAML aliases"},
		"repeated":  {"Resources:\n  A: {Type: T}\n  A: {Type: U}", "line 3: the key A is repeated"},
		"deep":      {"Resources: {A: {Type: T, Properties: {P: [{Q: 1, Q: 2}]}}}", "the key Q is repeated"},
		"no_values": {"Resources: {A: {Type: T, Properties: }}", ""},
	} {
		_, err := template.Parse("x.yaml", []byte(tc.text))
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
}

func TestReadFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "template.yaml")
	if _, err := template.ReadFile(path); err == nil {
		t.Error("a missing file was read")
	}
	if err := os.WriteFile(path, []byte(guard), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := template.ReadFile(path); err != nil || len(got.Resources("")) != 4 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"a":                           {"a"},
		"!Ref A":                      {"ref:A"},
		"{Ref: A}":                    {"ref:A"},
		"!GetAtt A.Arn":               {"att:A.Arn"},
		"!GetAtt [A, Arn]":            {"att:A.Arn"},
		"{'Fn::GetAtt': A.Arn}":       {"att:A.Arn"},
		"{'Fn::GetAtt': [A, Arn]}":    {"att:A.Arn"},
		"!Sub 'a-${B}'":               {"a-${B}"},
		"!Sub ['a-${B}', {B: c}]":     {"a-${B}"},
		"{'Fn::Sub': 'a-${B}'}":       {"a-${B}"},
		"{'Fn::Sub': ['a', {}]}":      {"a"},
		"[a, !Ref B]":                 {"a", "ref:B"},
		"!If [C, a, [b, !Ref D]]":     {"a", "b", "ref:D"},
		"{'Fn::If': [C, a, b]}":       {"a", "b"},
		"[!If [C, a, b], c]":          {"a", "b", "c"},
		"{a: b}":                      {""},
		"{'Fn::Join': ['-', [a, b]]}": {""},
		"!Sub []":                     {""},
		"!If x":                       {"x"},
	} {
		var doc yaml.Node
		if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, template.Texts(doc.Content[0])); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
	if template.Text(nil) != "" || template.Texts(nil) != nil {
		t.Error("a missing value has a text")
	}
}
