package template_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/template"
)

// deployed resolves each attribute and SSM parameter to its name.
type deployed struct{}

func (deployed) Parameter(_ context.Context, name string) (string, error) {
	if name == "/missing" {
		return "", errors.New("no parameter /missing")
	}
	return "ssm(" + name + ")", nil
}

func (deployed) Attribute(_ context.Context, resource, attribute string) (string, error) {
	if resource == "Missing" {
		return "", errors.New("no resource Missing")
	}
	return resource + "(" + attribute + ")", nil
}

const head = `
Parameters:
  Environment: {Type: String, Default: dev}
  Mode: {Type: String}
  Domains: {Type: CommaDelimitedList, Default: "a.example, b.example,"}
Conditions:
  IsDev: !Equals [!Ref Environment, dev]
  IsTest: {Fn::Equals: [{Ref: Environment}, test]}
  Neither: !Not [!Or [!Condition IsDev, Condition: IsTest]]
  Both: !And [!Condition IsDev, !Equals [!Ref Mode, multi]]
  Endless: !Not [!Condition Endless]
  Text: [a]
Mappings:
  Sizes: {dev: {Count: 1, Names: [x, y]}, test: {Count: 2}}
Resources:
  R:
    Type: T
    Properties:
      V: `

func evaluate(t *testing.T, value string, resolver template.Resolver) (any, error) {
	t.Helper()
	parsed := parse(t, head+value+"\n")
	e := parsed.Evaluator(map[string]string{"Mode": "multi", "AWS::Region": "eu-west-1"}, resolver)
	return e.Value(t.Context(), parsed.Resources("")[0].Prop("V"))
}

func TestValue(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]any{
		"a":            "a",
		"5":            5,
		"true":         true,
		"":             nil,
		"2012-10-17":   "2012-10-17",
		"!Ref Mode":    "multi",
		"{Ref: Mode}":  "multi",
		"!Ref Domains": []any{"a.example", "b.example"},
		"!Ref Queue":   "Queue(Ref)",
		"[a, !Ref AWS::NoValue, {b: !Ref AWS::NoValue, c: d}]": []any{"a", map[string]any{"c": "d"}},
		"!Ref AWS::NoValue":                                    nil,
		"!GetAtt Queue.Arn":                                    "Queue(Arn)",
		"!GetAtt Inner.Outputs.Arn":                            "Inner(Outputs.Arn)",
		"{Fn::GetAtt: Queue.Arn}":                              "Queue(Arn)",
		"{Fn::GetAtt: [Queue, Arn]}":                           "Queue(Arn)",
		"!Sub '${AWS::Region}-${Queue.Arn}-${!a}'":             "eu-west-1-Queue(Arn)-${a}",
		"!Sub ['${A}-${Mode}', {A: !Ref Environment}]":         "dev-multi",
		"!Sub '{{resolve:ssm:/x/${Environment}}}'":             "ssm(/x/dev)",
		"'{{resolve:ssm:/x}}-{{resolve:ssm:/y}}'":              "ssm(/x)-ssm(/y)",
		"!Join ['-', [a, !Ref Mode, 5]]":                       "a-multi-5",
		"!Join ['-', !Ref Domains]":                            "a.example-b.example",
		"!Select [1, !Split ['-', a-b-c]]":                     "b",
		"!FindInMap [Sizes, !Ref Environment, Count]":          1,
		"!FindInMap [Sizes, dev, Names]":                       []any{"x", "y"},
		"!If [IsDev, a, !Ref Missing]":                         "a",
		"{Fn::If: [IsTest, a, {b: !Ref Mode}]}":                map[string]any{"b": "multi"},
		"!If [Neither, a, b]":                                  "b",
		"!If [Both, a, b]":                                     "a",
		"!If [!Equals [a, a], a, b]":                           "a",
		"{Ref: Mode, Other: a}":                                map[string]any{"Ref": "Mode", "Other": "a"},
		"{Condition: {StringEquals: {aws:SourceArn: !Ref T}}}": map[string]any{"Condition": map[string]any{"StringEquals": map[string]any{"aws:SourceArn": "T(Ref)"}}},
	} {
		got, err := evaluate(t, value, deployed{})
		if err != nil {
			t.Errorf("%s: %v", value, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", value, diff)
		}
	}
}

func TestValueRefuses(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"!Ref Missing":                      "no resource Missing",
		"!Sub '${Missing}'":                 "no resource Missing",
		"!Sub ['${A}', {A: !Foo b}]":        "Fn::Foo is not supported",
		"[!Sub '{{resolve:ssm:/missing}}']": "no parameter /missing",
		"'{{resolve:secretsmanager:x}}'":    "{{resolve:secretsmanager}} is not supported",
		"!Sub []":                           "Fn::Sub needs a text",
		"!GetAtt [A]":                       "Fn::GetAtt cannot take",
		"!If [IsDev, a]":                    "Fn::If needs a condition and two values",
		"!If [Nothing, a, b]":               `no condition "Nothing"`,
		"!If [Endless, a, b]":               `the condition "Endless" depends on itself`,
		"!If [Text, a, b]":                  "not true or false",
		"!Or x":                             "needs a list",
		"!Equals [a]":                       "Fn::Equals cannot take",
		"!Join ['-']":                       "Fn::Join needs a separator",
		"!Join ['-', [[a]]]":                "Fn::Join cannot take",
		"!Split [a]":                        "Fn::Split cannot take",
		"!Select [a]":                       "Fn::Select needs an index",
		"!Select [7, [a]]":                  "no element 7",
		"!FindInMap [Sizes, prod, Count]":   "has no Sizes.prod.Count",
		"!FindInMap [a]":                    "Fn::FindInMap cannot take",
		"{a: [!Transform x]}":               "Fn::Transform is not supported",
	} {
		if _, err := evaluate(t, value, deployed{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", value, err, want)
		}
	}
}

// What is not known is an error that callers can recognize, never an empty value.
func TestUnresolved(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"!Ref Queue", "!GetAtt Queue.Arn", "!Sub '${Queue}'", "'{{resolve:ssm:/x}}'", "{a: [b, !Ref Queue]}", "!ImportValue x", "!Join ['-', [!Ref Queue]]",
	} {
		if got, err := evaluate(t, value, nil); !errors.Is(err, template.ErrUnresolved) {
			t.Errorf("%s: got %v, %v", value, got, err)
		}
	}
	if got, err := evaluate(t, "!Sub '${Environment}-${Mode}'", nil); err != nil || got != "dev-multi" {
		t.Errorf("got %v, %v: parameters need no resolver", got, err)
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	e := parse(t, head).Evaluator(map[string]string{"Environment": "test"}, nil)
	for condition, want := range map[string]bool{"IsDev": false, "IsTest": true, "Neither": false} {
		if got, err := e.Holds(t.Context(), condition); err != nil || got != want {
			t.Errorf("%s: %v, %v", condition, got, err)
		}
	}
	// Mode has no default and was not given.
	if _, err := e.Holds(t.Context(), "Both"); !errors.Is(err, template.ErrUnresolved) {
		t.Errorf("got %v", err)
	}
	if _, err := parse(t, "Conditions: {A: !Equals [!!int x, 1]}").Evaluator(nil, nil).Holds(t.Context(), "A"); err == nil {
		t.Error("a wrong number was accepted")
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(guard))
	f.Add([]byte(head + "!Sub ['${A}', {A: !If [IsDev, !Ref Queue, b]}]"))
	f.Add([]byte("Resources: {A: {Type: AWS::SSM::Parameter, Properties: {Name: {Fn::Sub: []}}}}"))
	f.Add([]byte("Resources: &a {A: *a}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, err := template.Parse("x.yaml", text)
		if err != nil {
			return
		}
		parsed.Nested()
		parsed.SSMNames()
		e := parsed.Evaluator(nil, deployed{})
		for _, r := range parsed.Resources("") {
			template.Texts(r.Node)
			parsed.CommentAbove(r.Key.Line)
			_, _ = e.Value(t.Context(), r.Node) // must not panic
		}
	})
}
