package templates

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// TestReleased runs the rules about templates as CloudFormation gets them, with gradual
// deployments and without. One run of the translator is enough for all.
func TestReleased(t *testing.T) {
	t.Parallel()
	var plain []*template.Template
	var sam []repository.Untranslated
	for _, one := range repository.Templates(t) {
		if repository.IsSAM(one) {
			sam = append(sam, repository.Untranslated{Path: one.Path, Template: strings.Join(one.Lines, "\n"), Parameters: repository.Release("true")})
		} else {
			plain = append(plain, one)
		}
	}
	n := len(sam)
	for _, one := range sam[:n] {
		sam = append(sam, repository.Untranslated{Path: one.Path, Template: one.Template, Parameters: repository.Release("false")})
	}
	translated := repository.Translate(t, sam)
	stepwise, once := translated[:n], translated[n:]
	repository.Report(t, roles(slices.Concat(plain, stepwise)))
	repository.Report(t, roles(slices.Concat(plain, once)))
	repository.Report(t, gradual(services(stepwise)))
	repository.Report(t, atOnce(once))
	repository.Report(t, versions(once))
}

// services omits the examples of other teams.
func services(all []*template.Template) []*template.Template {
	return slices.DeleteFunc(slices.Clone(all), func(t *template.Template) bool { return !strings.HasPrefix(t.Path, "services/") })
}

// TestReleasedPlanted plants errors that those rules must find.
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
		"sams_role":       {gradual, ", Role: !Ref DeploymentRoleArn", "", "SAM generates a role for CodeDeploy"},
		"other_role":      {gradual, "Role: !Ref DeploymentRoleArn", "Role: !Ref Topic", "ServiceRoleArn is not DeploymentRoleArn"},
		"no_alarms":       {gradual, "Alarms: [!Ref PreSignUpErrors", "Alarms: [!Ref AWS::NoValue", "PreSignUpFunctionDeploymentGroup: no alarms"},
		"not_moved":       {gradual, "Enabled: !Ref GradualDeployment", "Enabled: false", "PreSignUpFunctionAliaslive: no deployment group"},
		"undescribed":     {versions, "      VersionDescription: !Sub ${Architecture} role ${PreSignUpFunctionRole.RoleId}\n", "", "does not name ${PreSignUpFunctionRole.RoleId}"},
		"another_role":    {versions, "${PreSignUpFunctionRole.RoleId}", "${Other.RoleId}", "does not name ${PreSignUpFunctionRole.RoleId}"},
	})
	plantSAM(t, "false", map[string]samPlanted{
		"by_if":  {atOnce, "Enabled: !Ref GradualDeployment", "Enabled: !If [OnAws, true, false]", "though GradualDeployment is 'false'"},
		"always": {atOnce, "Enabled: !Ref GradualDeployment, ", "", "though GradualDeployment is 'false'"},
	})
}

// samPlanted is one error in the good template, and the rule that must find it.
type samPlanted struct {
	check          repository.Rule
	old, new, want string
}

// plantSAM is repository.Plant for rules about translated templates. One run of the
// translator is enough for all errors.
func plantSAM(t *testing.T, stepwise string, errs map[string]samPlanted) {
	t.Helper()
	const path = "services/good/template.yaml"
	text := repository.Good(t)
	names := slices.Sorted(maps.Keys(errs))
	of := []repository.Untranslated{{Path: path, Template: text, Parameters: repository.Release(stepwise)}}
	for _, name := range names {
		if !strings.Contains(text, errs[name].old) {
			t.Fatalf("%s: the text to replace is missing: %s", name, errs[name].old)
		}
		of = append(of, repository.Untranslated{Path: path, Template: strings.Replace(text, errs[name].old, errs[name].new, 1), Parameters: repository.Release(stepwise)})
	}
	all := repository.Translate(t, of)
	for i, name := range names {
		if findings := errs[name].check(all[:1]); len(findings) > 0 {
			t.Errorf("%s: findings in the good template: %v", name, findings)
		}
		findings := errs[name].check(all[i+1 : i+2])
		if len(findings) == 0 || !strings.Contains(strings.Join(findings, "\n"), errs[name].want) {
			t.Errorf("%s: findings %q, want one with %q", name, findings, errs[name].want)
		}
	}
}
