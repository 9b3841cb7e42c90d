package rules_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules"
)

// untranslated is a template as it stands in the repository.
type untranslated struct {
	path       string
	Template   string            `json:"template"`
	Parameters map[string]string `json:"parameters"`
}

// translate gives the templates that CloudFormation gets, by SAM's own translator:
// it makes roles, rules and deployment groups that nobody wrote.
func translate(t *testing.T, of []untranslated) []*rules.Template {
	t.Helper()
	input, err := json.Marshal(of)
	if err != nil {
		t.Fatalf("json.Marshal: %v", err)
	}
	var output, problems bytes.Buffer
	cmd := exec.Command(python(t), filepath.Join("testdata", "translate.py"))
	cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION=us-east-1") // its only use is the partition
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &output, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("translate.py: %v\n%s", err, problems.String())
	}
	var translated []json.RawMessage
	if err := json.Unmarshal(output.Bytes(), &translated); err != nil {
		t.Fatalf("json.Unmarshal: %v", err)
	}
	var all []*rules.Template
	for i, one := range translated {
		all = append(all, parse(t, of[i].path, string(one)))
	}
	return all
}

// python finds the interpreter beside the pinned SAM CLI.
func python(t *testing.T) string {
	t.Helper()
	venv := os.Getenv("GATEHOUSE_VENV")
	if venv == "" {
		venv = filepath.Join(root, ".local", "venv")
	}
	path, err := filepath.Abs(filepath.Join(venv, "bin", "python"))
	if err != nil {
		t.Fatalf("filepath.Abs: %v", err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("SAM's translator is not installed; run `make tools` first: %v", err)
	}
	return path
}

// isSAM says whether a template is translated before it is deployed.
func isSAM(t *rules.Template) bool {
	return strings.HasPrefix(rules.Text(rules.Get(t.Root, "Transform")), "AWS::Serverless")
}

// released are the templates of the repository as CloudFormation gets them, with
// gradual deployments or without.
func released(t *testing.T, gradual string) []*rules.Template {
	t.Helper()
	var all []*rules.Template
	var sam []untranslated
	for _, one := range templates(t) {
		if isSAM(one) {
			sam = append(sam, untranslated{one.Path, strings.Join(one.Lines, "\n"), release(gradual)})
		} else {
			all = append(all, one)
		}
	}
	return append(all, translate(t, sam)...)
}

// release are the parameters of a deployment by a pipeline.
func release(gradual string) map[string]string {
	return map[string]string{"DeploymentRoleArn": "arn:aws:iam::111122223333:role/x", "Environment": "test", "GradualDeployment": gradual, "OnAws": "true"}
}

// plantSAM is plant for a rule that looks at translated templates; one run of the
// translator serves all errors.
func plantSAM(t *testing.T, gradual string, check rule, errs map[string]planted) {
	t.Helper()
	const path = "services/good/template.yaml"
	text := good(t)
	names := slices.Sorted(maps.Keys(errs))
	of := []untranslated{{path, text, release(gradual)}}
	for _, name := range names {
		if !strings.Contains(text, errs[name].old) {
			t.Fatalf("%s: nothing to plant at: %s", name, errs[name].old)
		}
		of = append(of, untranslated{path, strings.Replace(text, errs[name].old, errs[name].new, 1), release(gradual)})
	}
	all := translate(t, of)
	if findings := check(all[:1]); len(findings) > 0 {
		t.Errorf("the good template is found guilty: %v", findings)
	}
	for i, name := range names {
		findings := check(all[i+1 : i+2])
		if len(findings) == 0 || !strings.Contains(strings.Join(findings, "\n"), errs[name].want) {
			t.Errorf("%s: findings %q, want one with %q", name, findings, errs[name].want)
		}
	}
}
