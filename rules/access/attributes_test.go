package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// attributes: who may use some attributes of a table only, may use those of its keys too.
// Otherwise DynamoDB refuses the request, on AWS and not in the emulator: "If you use
// dynamodb:Attributes, you must specify the names of all of the primary key and index key
// attributes for the table and any secondary indexes that are listed in the policy"
// (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html).
func attributes(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		keys := map[string]bool{}
		for _, table := range t.Resources("AWS::DynamoDB::Table") {
			template.Walk(table.Prop("KeySchema"), func(n *yaml.Node) {
				if name := template.Text(template.Get(n, "AttributeName")); name != "" {
					keys[name] = true
				}
			})
		}
		for _, s := range repository.Statements(t.Root) {
			allowed, conditional := repository.Condition(s, "dynamodb:Attributes")
			if !conditional || template.Text(template.Get(s, "Effect")) != "Allow" {
				continue
			}
			if len(keys) == 0 {
				out = append(out, fmt.Sprintf("%s:%d: dynamodb:Attributes for a table that is not in the template: its keys cannot be compared", t.Path, s.Line))
			}
			for name := range keys {
				if !slices.Contains(strings.Fields(allowed), name) {
					out = append(out, fmt.Sprintf("%s:%d: dynamodb:Attributes without %s, which is part of the table's key", t.Path, s.Line, name))
				}
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	repository.Report(t, attributes(repository.Templates(t)))
}

func TestAttributesPlanted(t *testing.T) {
	t.Parallel()
	const text = `
Resources:
  Table: {Type: AWS::DynamoDB::Table, Properties: {KeySchema: [{AttributeName: pk, KeyType: HASH}, {AttributeName: sk, KeyType: RANGE}]}}
  Role:
    Type: AWS::IAM::Role
    Properties:
      Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: dynamodb:Query, Resource: !GetAtt Table.Arn,
        Condition: {"ForAllValues:StringEquals": {dynamodb:Attributes: [pk, sk, synthetic]}}}]}}]
`
	run := func(text string) string {
		return strings.Join(attributes([]*template.Template{repository.MustParse(t, "services/a/template.yaml", text)}), "\n")
	}
	if got := run(text); got != "" {
		t.Errorf("without an error: %s", got)
	}
	for name, p := range map[string][3]string{
		"no_sort_key": {"[pk, sk, synthetic]", "[pk, synthetic]", "without sk"},
		"one_only":    {"[pk, sk, synthetic]", "synthetic", "without pk"},
		"elsewhere":   {"Type: AWS::DynamoDB::Table", "Type: AWS::Other", "cannot be compared"},
	} {
		if got := run(strings.Replace(text, p[0], p[1], 1)); !strings.Contains(got, p[2]) {
			t.Errorf("%s: %q, want %q", name, got, p[2])
		}
	}
}
