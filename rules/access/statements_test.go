package rules_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules"
)

// permissionsFile lists who may do what, for reading and for review: much of it
// no emulator enforces, so a statement that is lost would be noticed on AWS only.
const permissionsFile = "permissions.txt"

// flat writes a value down in one line, however it is laid out in its template.
func flat(n *yaml.Node) string {
	var parts []string
	for key, value := range rules.Pairs(n) {
		parts = append(parts, key.Value+"="+flat(value))
	}
	switch {
	case n.Kind == yaml.MappingNode:
		return "{" + strings.Join(parts, " ") + "}"
	case n.Kind != yaml.SequenceNode:
		return rules.Text(n)
	case n.Tag == "!GetAtt":
		return rules.Text(n)
	}
	for _, item := range n.Content {
		parts = append(parts, flat(item))
	}
	if tag := strings.TrimPrefix(n.Tag, "!!seq"); tag != "" {
		return tag + "[" + strings.Join(parts, " ") + "]"
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// permissionList is one line for every statement of a policy and every Lambda permission.
func permissionList(all []*rules.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("") {
			if r.Type == "AWS::Lambda::Permission" {
				out = append(out, r.String()+" "+flat(r.Prop()))
			}
			for _, s := range statements(r.Node) {
				line := r.String()
				for _, part := range []string{"Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"} {
					if v := rules.Get(s, part); v != nil {
						line += " " + strings.TrimPrefix(part+"="+flat(v), "Effect=")
					}
				}
				out = append(out, line)
			}
		}
	}
	slices.Sort(out)
	return out
}

func TestPermissionList(t *testing.T) {
	t.Parallel()
	got := strings.Join(permissionList(templates(t)), "\n") + "\n"
	if os.Getenv("UPDATE") == permissionsFile {
		if err := os.WriteFile(permissionsFile, []byte(got), 0o600); err != nil {
			t.Fatalf("os.WriteFile: %v", err)
		}
	}
	var diff []string
	listed, written := strings.Split(read(t, permissionsFile), "\n"), strings.Split(got, "\n")
	for _, line := range listed {
		if !slices.Contains(written, line) {
			diff = append(diff, "- "+line)
		}
	}
	for _, line := range written {
		if !slices.Contains(listed, line) {
			diff = append(diff, "+ "+line)
		}
	}
	if len(diff) > 0 || len(listed) != len(written) {
		t.Errorf("the templates differ from rules/%s. If you mean it:\nUPDATE=%[1]s go test gatehouse.example/rules -run TestPermissionList\n%s", permissionsFile, strings.Join(diff, "\n"))
	}
}

func TestPermissionListPlanted(t *testing.T) {
	t.Parallel()
	text := good(t)
	list := func(text string) string {
		return strings.Join(permissionList([]*rules.Template{parse(t, "services/good/template.yaml", text)}), "\n")
	}
	before := list(text)
	for name, p := range map[string][2]string{
		"action_lost":    {", kms:Decrypt], Resource: !GetAtt Key.Arn", "], Resource: !GetAtt Key.Arn"},
		"other_resource": {"Action: sns:Publish, Resource: !Ref Topic", "Action: sns:Publish, Resource: !Ref Other"},
		"no_condition":   {"              StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}\n", ""},
		"principal":      {"Principal: {AWS: !Ref AWS::AccountId}", "Principal: {AWS: '111122223333'}"},
		"effect":         {"{Effect: Allow, Action: sqs", "{Effect: Deny, Action: sqs"},
		"permission":     {"Principal: cognito-idp.amazonaws.com", "Principal: s3.amazonaws.com"},
	} {
		after := strings.Replace(text, p[0], p[1], 1)
		if after == text || list(after) == before {
			t.Errorf("%s: not seen", name)
		}
	}
	if same := strings.Replace(text, `["kms:GenerateDataKey*", kms:Decrypt]`, `[kms:Decrypt, kms:GenerateDataKey*]`, 1); list(same) != before {
		t.Error("the order of actions counts")
	}
}
