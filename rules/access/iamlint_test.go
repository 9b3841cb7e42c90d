package access

import (
	"bytes"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// acceptedFile lists the accepted findings, with reasons.
const acceptedFile = "accepted.txt"

// policyLint finds the virtualenv of the policy linter: next to the one of the other
// tools, or next to the target of that link.
func policyLint(t *testing.T) string {
	t.Helper()
	venv := filepath.Dir(filepath.Dir(repository.CfnLint(t)))
	real, err := filepath.EvalSymlinks(venv)
	if err != nil {
		t.Fatalf("filepath.EvalSymlinks: %v", err)
	}
	for _, folder := range []string{venv, real} {
		python := filepath.Join(filepath.Dir(folder), "venv-rules", "bin", "python")
		if _, err := os.Stat(python); err == nil {
			return python
		}
	}
	t.Fatal("parliament is not installed; run `make rules-tools` first")
	return ""
}

// accepted is a line of the list: four patterns. The reason is a comment above it.
type accepted struct {
	template, resource, issue, detail, reason string
}

func (a accepted) fits(f [4]string) bool {
	// An asterisk at the end of a path also matches the folders below.
	folder, isFolder := strings.CutSuffix(a.template, "*")
	template := a.template == f[0] || isFolder && strings.HasPrefix(f[0], folder)
	resource, err := path.Match(a.resource, f[1])
	return err == nil && template && resource && a.issue == f[2] && strings.Contains(f[3], a.detail)
}

func readAccepted(t *testing.T, text string) []accepted {
	t.Helper()
	var all []accepted
	for _, block := range strings.Split(text, "\n\n") {
		reason := ""
		for _, line := range strings.Split(strings.TrimSpace(block), "\n") {
			if comment, ok := strings.CutPrefix(line, "#"); ok {
				reason += comment
				continue
			}
			f := strings.SplitN(line, "  ", 4)
			if len(f) != 4 || reason == "" {
				t.Fatalf("%s: %q is not a finding below its reason", acceptedFile, line)
			}
			all = append(all, accepted{f[0], f[1], f[2], f[3], reason})
		}
	}
	return all
}

// lintPolicies returns parliament's findings in every policy document that the
// templates would deploy: template, resource, issue, detail.
func lintPolicies(t *testing.T, root string, paths []string) [][4]string {
	t.Helper()
	var texts []string
	for _, path := range paths {
		texts = append(texts, path+"\n"+repository.Read(t, filepath.Join(root, path)))
	}
	slices.Sort(texts)
	pass := repository.Unchanged(t, "parliament", texts, "documents.py", "lint.py", "../requirements.txt", repository.LintPins())
	if pass.Known {
		return policyFindings(t, pass.Answer(t))
	}
	documents := exec.Command(filepath.Join(filepath.Dir(repository.CfnLint(t)), "python"), append([]string{"documents.py", root}, paths...)...)
	var problems bytes.Buffer
	documents.Stderr = &problems
	resolved, err := documents.Output()
	if err != nil {
		t.Fatalf("documents.py: %v\n%s", err, problems.String())
	}
	if !bytes.Contains(resolved, []byte(`"document"`)) {
		t.Fatal("no policy document was found")
	}
	lint := exec.Command(policyLint(t), "lint.py")
	lint.Stdin, lint.Stderr = bytes.NewReader(resolved), &problems
	found, err := lint.Output()
	if err != nil {
		t.Fatalf("lint.py: %v\n%s", err, problems.String())
	}
	pass.Remember(t, found)
	return policyFindings(t, found)
}

// policyFindings parses the output of lint.py.
func policyFindings(t *testing.T, found []byte) [][4]string {
	t.Helper()
	var findings [][4]string
	for line := range strings.Lines(string(found)) {
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "  ", 4)
		if len(parts) != 4 {
			t.Fatalf("lint.py: unexpected line %q", line)
		}
		findings = append(findings, [4]string(parts))
	}
	return findings
}

func TestPolicyLint(t *testing.T) {
	t.Parallel()
	var paths []string
	for _, template := range repository.Templates(t) {
		paths = append(paths, template.Path)
	}
	list := readAccepted(t, repository.Read(t, acceptedFile))
	used := make([]bool, len(list))
	for _, f := range lintPolicies(t, repository.Root, paths) {
		known := false
		for i, a := range list {
			if a.fits(f) {
				used[i], known = true, true
			}
		}
		if !known {
			t.Errorf("parliament: %s; fix it, or list it in rules/access/%s with a reason", strings.Join(f[:], "  "), acceptedFile)
		}
	}
	for i, a := range list {
		if !used[i] {
			t.Errorf("rules/access/%s: %s  %s  %s is no longer found; remove it", acceptedFile, a.template, a.resource, a.issue)
		}
	}
}

func TestPolicyLintPlanted(t *testing.T) {
	t.Parallel()
	const template = `
Resources:
  Queue: {Type: AWS::SQS::Queue}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement: [{Effect: Allow, Principal: {Service: lambda.amazonaws.com}, Action: sts:AssumeRole}]
      Policies:
        - PolicyName: p
          PolicyDocument:
            Version: "2012-10-17"
            Statement: [{Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Queue.Arn, Condition: {StringEquals: {aws:PrincipalAccount: !Ref AWS::AccountId}}}]
`
	dir := t.TempDir()
	var paths []string
	errs := map[string]repository.Planted{
		"good":             {"", "", ""},
		"no_such_action":   {"sqs:SendMessage", "sqs:SendMail", "UNKNOWN_ACTION"},
		"no_such_service":  {"sqs:SendMessage", "sqz:SendMessage", "UNKNOWN_PREFIX"},
		"other_service":    {"sqs:SendMessage", "sns:Publish", "RESOURCE_MISMATCH"},
		"everything":       {"!GetAtt Queue.Arn", `"*"`, "RESOURCE_STAR"},
		"no_arn":           {"!GetAtt Queue.Arn", "!GetAtt Queue.QueueName", "INVALID_ARN"},
		"no_version":       {"            Version: \"2012-10-17\"\n", "", "NO_VERSION"},
		"no_such_operator": {"StringEquals", "StringIs", "UNKNOWN_OPERATOR"},
		"no_such_key":      {"aws:PrincipalAccount", "aws:PrincipalCountry", "UNKNOWN_CONDITION_FOR_ACTION"},
		"trust_action":     {"sts:AssumeRole}", "sts:TakeRole}", "UNKNOWN_ACTION"},
		"trust_principal":  {"Service: lambda.amazonaws.com", `AWS: "12345"`, "UNKNOWN_PRINCIPAL"},
	}
	for name, p := range errs {
		if !strings.Contains(template, p[0]) {
			t.Fatalf("%s: the text to replace is missing", name)
		}
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(strings.Replace(template, p[0], p[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, name+".yaml")
	}
	found := map[string]string{}
	for _, f := range lintPolicies(t, dir, paths) {
		found[strings.TrimSuffix(f[0], ".yaml")] += f[2] + " "
	}
	for name, p := range errs {
		if p[2] == "" && found[name] != "" || !strings.Contains(found[name], p[2]) {
			t.Errorf("%s: findings %q, want %q", name, found[name], p[2])
		}
	}
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	all := readAccepted(t, "# Why.\npipeline/*  *Key  ISSUE  some detail\n")
	if len(all) != 1 {
		t.Fatalf("%d lines", len(all))
	}
	for f, want := range map[[4]string]bool{
		{"pipeline/roles/api.yaml", "LogKey", "ISSUE", "with some detail in it"}: true,
		{"services/api.yaml", "LogKey", "ISSUE", "some detail"}:                  false,
		{"pipeline/a.yaml", "Role", "ISSUE", "some detail"}:                      false,
		{"pipeline/a.yaml", "LogKey", "OTHER", "some detail"}:                    false,
		{"pipeline/a.yaml", "LogKey", "ISSUE", "another"}:                        false,
	} {
		if all[0].fits(f) != want {
			t.Errorf("%v: matches is not %v", f, want)
		}
	}
}
