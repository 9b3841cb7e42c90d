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
	script := filepath.Join("testdata", "translate.py")
	pass := unchanged(t, "translated", []string{string(input)}, script, lintPins())
	if pass.known {
		return translated(t, of, []byte(read(t, pass.mark)))
	}
	var output, problems bytes.Buffer
	cmd := exec.Command(python(t), script)
	cmd.Env = append(os.Environ(), "AWS_DEFAULT_REGION=us-east-1") // its only use is the partition
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(input), &output, &problems
	if err := cmd.Run(); err != nil {
		t.Fatalf("translate.py: %v\n%s", err, problems.String())
	}
	all := translated(t, of, output.Bytes())
	pass.remember(t, output.Bytes())
	return all
}

// translated reads what the translator answered.
func translated(t *testing.T, of []untranslated, answer []byte) []*rules.Template {
	t.Helper()
	var texts []json.RawMessage
	if err := json.Unmarshal(answer, &texts); err != nil {
		t.Fatalf("json.Unmarshal: %v", err)
	}
	var all []*rules.Template
	for i, one := range texts {
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

// TestReleased runs every rule about templates as CloudFormation gets them, with
// gradual deployments and without; one run of the translator serves all.
func TestReleased(t *testing.T) {
	t.Parallel()
	var plain []*rules.Template
	var sam []untranslated
	for _, one := range templates(t) {
		if isSAM(one) {
			sam = append(sam, untranslated{one.Path, strings.Join(one.Lines, "\n"), release("true")})
		} else {
			plain = append(plain, one)
		}
	}
	n := len(sam)
	for _, one := range sam[:n] {
		sam = append(sam, untranslated{one.path, one.Template, release("false")})
	}
	translated := translate(t, sam)
	stepwise, once := translated[:n], translated[n:]
	report(t, roles(slices.Concat(plain, stepwise)))
	report(t, roles(slices.Concat(plain, once)))
	report(t, gradual(services(stepwise)))
	report(t, atOnce(once))
	report(t, versions(once))
}

// services leaves other teams' examples out.
func services(all []*rules.Template) []*rules.Template {
	return slices.DeleteFunc(slices.Clone(all), func(t *rules.Template) bool { return !strings.HasPrefix(t.Path, "services/") })
}

// TestReleasedPlanted plants what each of those rules must see.
func TestReleasedPlanted(t *testing.T) {
	t.Parallel()
	const preSignUp = "      CodeUri: cmd/presignup\n"
	plantSAM(t, "true", map[string]samPlanted{
		"no_path":         {roles, "    RolePath: !Sub /gatehouse/${Environment}/good/\n", "", `PreSignUpFunctionRole: Path is ""`},
		"others_path":     {roles, "${Environment}/good/\n", "${Environment}/api/\n", "PreSignUpFunctionRole: Path is"},
		"no_boundary":     {roles, "    PermissionsBoundary: !If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]\n", "", "PreSignUpFunctionRole: PermissionsBoundary"},
		"never_bounded":   {roles, "!If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]", "!Ref AWS::NoValue", "PreSignUpFunctionRole: PermissionsBoundary"},
		"own_role":        {roles, "  Outbox:\n", "  Mine: {Type: AWS::IAM::Role, Properties: {AssumeRolePolicyDocument: {}}}\n  Outbox:\n", "Mine: PermissionsBoundary"},
		"schedule":        {roles, preSignUp, preSignUp + "      Events: {S: {Type: ScheduleV2, Properties: {ScheduleExpression: rate(1 hour)}}}\n", "PreSignUpFunctionSRole: Path"},
		"codedeploy_role": {roles, ", Role: !Ref DeploymentRoleArn", "", "CodeDeployServiceRole: PermissionsBoundary"},
		"sams_role":       {gradual, ", Role: !Ref DeploymentRoleArn", "", "SAM makes a role for CodeDeploy"},
		"other_role":      {gradual, "Role: !Ref DeploymentRoleArn", "Role: !Ref Topic", "ServiceRoleArn is not DeploymentRoleArn"},
		"no_alarms":       {gradual, "Alarms: [!Ref PreSignUpErrors", "Alarms: [!Ref AWS::NoValue", "PreSignUpFunctionDeploymentGroup: no alarms"},
		"not_moved":       {gradual, "Enabled: !Ref GradualDeployment", "Enabled: false", "PreSignUpFunctionAliaslive: no deployment group"},
		"undescribed":     {versions, "      VersionDescription: !Sub role ${PreSignUpFunctionRole.RoleId}\n", "", "does not name ${PreSignUpFunctionRole.RoleId}"},
		"another_role":    {versions, "${PreSignUpFunctionRole.RoleId}", "${Other.RoleId}", "does not name ${PreSignUpFunctionRole.RoleId}"},
	})
	plantSAM(t, "false", map[string]samPlanted{
		"by_if":  {atOnce, "Enabled: !Ref GradualDeployment", "Enabled: !If [OnAws, true, false]", "though GradualDeployment is 'false'"},
		"always": {atOnce, "Enabled: !Ref GradualDeployment, ", "", "though GradualDeployment is 'false'"},
	})
}

// release are the parameters of a deployment by a pipeline.
func release(gradual string) map[string]string {
	return map[string]string{"DeploymentRoleArn": "arn:aws:iam::111122223333:role/x", "Environment": "test", "GradualDeployment": gradual, "OnAws": "true"}
}

// samPlanted is one error in the good template, and the rule that must see it.
type samPlanted struct {
	check          rule
	old, new, want string
}

// plantSAM is plant for rules that look at translated templates; one run of the
// translator serves all errors.
func plantSAM(t *testing.T, stepwise string, errs map[string]samPlanted) {
	t.Helper()
	const path = "services/good/template.yaml"
	text := good(t)
	names := slices.Sorted(maps.Keys(errs))
	of := []untranslated{{path, text, release(stepwise)}}
	for _, name := range names {
		if !strings.Contains(text, errs[name].old) {
			t.Fatalf("%s: nothing to plant at: %s", name, errs[name].old)
		}
		of = append(of, untranslated{path, strings.Replace(text, errs[name].old, errs[name].new, 1), release(stepwise)})
	}
	all := translate(t, of)
	for i, name := range names {
		if findings := errs[name].check(all[:1]); len(findings) > 0 {
			t.Errorf("%s: the good template is found guilty: %v", name, findings)
		}
		findings := errs[name].check(all[i+1 : i+2])
		if len(findings) == 0 || !strings.Contains(strings.Join(findings, "\n"), errs[name].want) {
			t.Errorf("%s: findings %q, want one with %q", name, findings, errs[name].want)
		}
	}
}
