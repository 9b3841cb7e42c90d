package access

import (
	"os"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// permissionsFile lists who may do what, for review. The emulator does not enforce
// much of it, so a lost statement would be noticed only on AWS.
const permissionsFile = "permissions.txt"

// permissionList returns one line for each policy statement and each Lambda permission.
func permissionList(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("") {
			if r.Type == "AWS::Lambda::Permission" {
				out = append(out, r.String()+" "+repository.Flat(r.Prop()))
			}
			for _, s := range repository.Statements(r.Node) {
				line := r.String()
				for _, part := range []string{"Effect", "Principal", "Action", "NotAction", "Resource", "NotResource", "Condition"} {
					if v := template.Get(s, part); v != nil {
						line += " " + strings.TrimPrefix(part+"="+repository.Flat(v), "Effect=")
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
	got := strings.Join(permissionList(repository.Templates(t)), "\n") + "\n"
	if os.Getenv("UPDATE") == permissionsFile {
		if err := os.WriteFile(permissionsFile, []byte(got), 0o600); err != nil {
			t.Fatalf("os.WriteFile: %v", err)
		}
	}
	var diff []string
	listed, written := strings.Split(repository.Read(t, permissionsFile), "\n"), strings.Split(got, "\n")
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
		t.Errorf("the templates differ from rules/access/%s. If this is intended:\nUPDATE=%[1]s go test ./rules/access -run TestPermissionList\n%s", permissionsFile, strings.Join(diff, "\n"))
	}
}

func TestPermissionListPlanted(t *testing.T) {
	t.Parallel()
	text := repository.Good(t)
	list := func(text string) string {
		return strings.Join(permissionList([]*template.Template{repository.MustParse(t, "services/good/template.yaml", text)}), "\n")
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
			t.Errorf("%s: the list does not change", name)
		}
	}
	if same := strings.Replace(text, `["kms:GenerateDataKey*", kms:Decrypt]`, `[kms:Decrypt, kms:GenerateDataKey*]`, 1); list(same) != before {
		t.Error("the list depends on the order of actions")
	}
}
