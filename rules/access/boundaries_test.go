package access

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// boundedActions change what a role may do. A pipeline's role has them only for
// roles with the boundary.
func boundedActions() []string {
	return []string{"iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}
}

// otherIAM are the other IAM actions that a pipeline's role may have. None of them
// grants a permission. Everything else, such as users, access keys and managed
// policies, is for administrators.
func otherIAM() []string {
	return []string{"iam:CreateServiceLinkedRole", "iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
		"iam:PassRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription"}
}

// ofPipelines are the templates of the pipelines.
func ofPipelines(all []*template.Template) []*template.Template {
	return slices.DeleteFunc(slices.Clone(all), func(t *template.Template) bool { return repository.Dir(t) != "pipeline" })
}

// boundaries: a pipeline's role creates only roles with the boundary, and passes
// only roles below one path, each to a named service.
func boundaries(all []*template.Template) []string {
	var out []string
	for _, t := range ofPipelines(all) {
		for _, s := range repository.Statements(t.Root) {
			if template.Text(template.Get(s, "Effect")) != "Allow" {
				continue
			}
			for _, action := range template.Texts(template.Get(s, "Action")) {
				if finding := inIAM(t, action, s); finding != "" {
					out = append(out, fmt.Sprintf("%s:%d: %s %s", t.Path, s.Line, action, finding))
				}
			}
		}
	}
	return out
}

// inIAM returns what is wrong with an IAM action in a statement.
func inIAM(t *template.Template, action string, s *yaml.Node) string {
	if !strings.HasPrefix(action, "iam:") {
		return ""
	}
	for _, resource := range template.Texts(template.Get(s, "Resource")) {
		if id, ok := strings.CutPrefix(strings.TrimSuffix(resource, ".Arn"), "att:"); ok {
			resource = ":role" + template.Text(template.Get(t.Root, "Resources", id, "Properties", "Path"))
		}
		if !strings.Contains(resource, ":role/gatehouse/") && action != "iam:CreateServiceLinkedRole" {
			return "applies to " + resource + "; roles are below /gatehouse/"
		}
	}
	switch {
	case slices.Contains(boundedActions(), action):
		if bound := template.Text(template.Get(s, "Condition", "StringEquals", "iam:PermissionsBoundary")); bound == "" {
			return "without the condition that the role has the boundary"
		}
	case action == "iam:PassRole":
		to, ok := repository.Condition(s, "iam:PassedToService")
		if !ok || strings.Contains(to, "*") {
			return "without a named service in iam:PassedToService"
		}
	case action == "iam:CreateServiceLinkedRole":
		if _, ok := repository.Condition(s, "iam:AWSServiceName"); !ok {
			return "without iam:AWSServiceName"
		}
	case !slices.Contains(otherIAM(), action):
		return "is only for administrators"
	}
	return ""
}

// trusts: who may assume a pipeline's role. Another account needs a condition that
// names roles below one path; the deploy role trusts the role of one pipeline.
func trusts(all []*template.Template) []string {
	const deploy = "arn:${AWS::Partition}:iam::${ToolsAccount}:role/gatehouse/tools/${Service}/gatehouse-tools-${Service}-pipeline"
	var out []string
	for _, t := range ofPipelines(all) {
		for _, role := range t.Resources("AWS::IAM::Role") {
			say := func(format string, args ...any) {
				out = append(out, role.String()+": "+fmt.Sprintf(format, args...))
			}
			trust := repository.Statements(role.Prop("AssumeRolePolicyDocument"))
			var named []string
			for _, s := range trust {
				if p := template.Get(s, "Principal"); template.Text(p) == "*" || len(template.Texts(template.Get(p, "Service")))+len(template.Texts(template.Get(p, "AWS"))) != 1 {
					say("a trust statement must name exactly one account or service")
				}
				if template.Get(s, "Principal", "AWS") != nil {
					arns := onAws(template.Get(s, "Condition", "ArnLike", "aws:PrincipalArn"))
					named = append(named, arns...)
					if len(arns) == 0 || slices.ContainsFunc(arns, func(arn string) bool { return !strings.Contains(arn, ":role/gatehouse/tools/") }) {
						say("trusts an account without naming its roles below /gatehouse/tools/ in aws:PrincipalArn")
					}
				}
			}
			if strings.HasSuffix(template.Text(role.Prop("RoleName")), "-deploy") && (len(trust) != 1 || !slices.Equal(named, []string{deploy})) {
				say("trusts %v, want only the role of its service's pipeline", named)
			}
		}
	}
	return out
}

// onAws returns the texts of a list as they are on AWS, without those for the emulator.
func onAws(list *yaml.Node) []string {
	if list == nil {
		return nil
	}
	var out []string
	for _, item := range list.Content {
		if item.Tag == "!If" && len(item.Content) == 3 && item.Content[0].Value == "OnAws" {
			item = item.Content[1]
		}
		if text := template.Text(item); text != "ref:AWS::NoValue" {
			out = append(out, text)
		}
	}
	return out
}

// locked: a role for CloudFormation may never change a boundary, whatever else it is
// allowed later, and it has the name and path that the other rules look for.
func locked(all []*template.Template) []string {
	want := []string{"iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DeleteRolePermissionsBoundary", "iam:SetDefaultPolicyVersion"}
	var out []string
	for _, role := range executionRoles(all) {
		denies := func(s *yaml.Node) bool {
			denied := template.Texts(template.Get(s, "Action"))
			return template.Text(template.Get(s, "Effect")) == "Deny" && template.Get(s, "Condition") == nil && template.Text(template.Get(s, "Resource")) == "*" &&
				!slices.ContainsFunc(want, func(action string) bool { return !slices.Contains(denied, action) })
		}
		if !slices.ContainsFunc(role.statements(), denies) {
			out = append(out, fmt.Sprintf("%s: does not deny %s on everything", role, strings.Join(want, ", ")))
		}
		if name := "gatehouse-${Environment}-" + role.service + "-cloudformation"; template.Text(role.Prop("RoleName")) != name {
			out = append(out, fmt.Sprintf("%s: RoleName is %s, want %s", role, template.Text(role.Prop("RoleName")), name))
		}
		if template.Text(role.Prop("Path")) != "/gatehouse/${Environment}/pipeline/" {
			out = append(out, fmt.Sprintf("%s: below the path of a service it could change and pass itself", role))
		}
	}
	return out
}

// ownRoles: a role for CloudFormation may change only the roles of its own service.
// It may also pass CodeDeploy's role, and itself.
func ownRoles(all []*template.Template) []string {
	const roles = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/gatehouse/${Environment}/"
	var out []string
	for _, role := range executionRoles(all) {
		for _, s := range role.statements() {
			if template.Text(template.Get(s, "Effect")) != "Allow" {
				continue
			}
			for _, action := range template.Texts(template.Get(s, "Action")) {
				for _, resource := range template.Texts(template.Get(s, "Resource")) {
					itself := roles + "pipeline/gatehouse-${Environment}-" + role.service + "-cloudformation"
					passed := action == "iam:PassRole" && (resource == roles+"pipeline/gatehouse-${Environment}-codedeploy" || resource == itself)
					if strings.HasPrefix(action, "iam:") && action != "iam:CreateServiceLinkedRole" && resource != roles+role.service+"/*" && !passed {
						out = append(out, fmt.Sprintf("%s: %s applies to %s, want %s%s/*", role, action, resource, roles, role.service))
					}
				}
			}
		}
	}
	return out
}

func TestBoundaries(t *testing.T) {
	t.Parallel()
	all := repository.Templates(t)
	repository.Report(t, boundaries(all))
	repository.Report(t, trusts(all))
	repository.Report(t, locked(all))
	repository.Report(t, ownRoles(all))
}

// mutate runs a rule over the repository's templates with one of them changed.
func mutate(t *testing.T, check repository.Rule, errs map[string]mutation) {
	t.Helper()
	read := repository.Templates(t)
	for name, m := range errs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all := slices.Clone(read)
			at := slices.IndexFunc(all, func(t *template.Template) bool { return t.Path == m.file || t.Path == path.Join("pipeline", m.file) })
			if at < 0 {
				t.Fatalf("neither %s nor pipeline/%[1]s exists", m.file)
			}
			text := strings.Join(all[at].Lines, "\n")
			if !strings.Contains(text, m.old) {
				t.Fatalf("the text to replace is missing: %s", m.old)
			}
			all[at] = repository.MustParse(t, all[at].Path, strings.Replace(text, m.old, m.new, 1))
			if got := strings.Join(check(all), "\n"); !strings.Contains(got, m.want) || got == "" {
				t.Errorf("findings %q, want one with %q", got, m.want)
			}
		})
	}
}

// mutation is one error in a template, whose path may omit pipeline/, and a part of the
// finding that it must cause.
type mutation struct{ file, old, new, want string }

func TestBoundariesPlanted(t *testing.T) {
	t.Parallel()
	const guard, pass = "roles/signup-guard.yaml", "                Condition: {StringEquals: {iam:PassedToService: lambda.amazonaws.com}}\n"
	mutate(t, boundaries, map[string]mutation{
		"no_boundary":        {guard, "                Condition: {StringEquals: {iam:PermissionsBoundary: !Ref BoundaryArn}}\n", "", "iam:CreateRole without the condition"},
		"boundary_if_exists": {guard, "{StringEquals: {iam:PermissionsBoundary", "{StringEqualsIfExists: {iam:PermissionsBoundary", "iam:CreateRole without the condition"},
		"attach_without":     {guard, "                  StringEquals: {iam:PermissionsBoundary: !Ref BoundaryArn}\n", "", "iam:AttachRolePolicy without the condition"},
		"pass_to_anybody":    {guard, pass, "", "iam:PassRole without a named service"},
		"pass_to_a_pattern":  {guard, "PassedToService: lambda.amazonaws.com", "PassedToService: '*.amazonaws.com'", "iam:PassRole without a named service"},
		"pass_any_role":      {guard, ":role/gatehouse/${Environment}/pipeline/gatehouse-${Environment}-codedeploy", ":role/*", "iam:PassRole applies to"},
		"make_users":         {guard, "iam:GetRole\n", "iam:CreateUser\n", "iam:CreateUser is only for administrators"},
		"edit_policies":      {guard, "iam:GetRole\n", "iam:CreatePolicyVersion\n", "iam:CreatePolicyVersion is only for administrators"},
		"all_of_iam":         {guard, "iam:GetRole\n", "iam:*\n", "iam:* is only for administrators"},
		"deploy_passes_all":  {"roles/deploy.yaml", "role/gatehouse/${Environment}/pipeline/gatehouse-${Environment}-${Service}-cloudformation", "role/*", "iam:PassRole applies to"},
		"service_linked":     {"roles/platform.yaml", "                Condition: {StringEquals: {iam:AWSServiceName: email.cognito-idp.amazonaws.com}}\n", "", "without iam:AWSServiceName"},
	})
	mutate(t, ownRoles, map[string]mutation{
		"all_roles_of_the_environment": {guard, ":role/gatehouse/${Environment}/signup-guard/*", ":role/gatehouse/${Environment}/*", "applies to"},
		"roles_of_another_service":     {guard, ":role/gatehouse/${Environment}/signup-guard/*", ":role/gatehouse/${Environment}/platform/*", "applies to"},
		"codedeploys_role_changed":     {guard, "- Sid: PassTheRoleOfCodeDeploy\n                Effect: Allow\n                Action: iam:PassRole", "- Sid: PassTheRoleOfCodeDeploy\n                Effect: Allow\n                Action: iam:DeleteRole", "iam:DeleteRole applies to"},
		"another_role_of_a_pipeline":   {"roles/api.yaml", "pipeline/gatehouse-${Environment}-api-cloudformation\n", "pipeline/gatehouse-${Environment}-platform-cloudformation\n", "iam:PassRole applies to"},
		"itself_changed":               {"roles/api.yaml", "                Action: iam:PassRole\n                Resource: !Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:role/gatehouse/${Environment}/pipeline/gatehouse-${Environment}-api-cloudformation", "                Action: iam:PutRolePolicy\n                Resource: !Sub arn:${AWS::Partition}:iam::${AWS::AccountId}:role/gatehouse/${Environment}/pipeline/gatehouse-${Environment}-api-cloudformation", "iam:PutRolePolicy applies to"},
		"the_deploy_role_passed":       {guard, "gatehouse-${Environment}-codedeploy", "gatehouse-${Environment}-signup-guard-deploy", "iam:PassRole applies to"},
	})
	mutate(t, trusts, map[string]mutation{
		"any_role_of_tools":    {"environment.yaml", "role/gatehouse/tools/checks/gatehouse-tools-checks-${Commits}", "role/*", "trusts an account"},
		"any_role_by_no_key":   {"environment.yaml", "aws:PrincipalArn:", "aws:SourceArn:", "trusts an account"},
		"another_pipeline":     {"roles/deploy.yaml", "role/gatehouse/tools/${Service}/gatehouse-tools-${Service}-pipeline", "role/gatehouse/tools/*/gatehouse-tools-*-pipeline", "want only the role of its service's pipeline"},
		"the_test_project_too": {"roles/deploy.yaml", "                  # The emulator", "                  - !Sub arn:${AWS::Partition}:iam::${ToolsAccount}:role/gatehouse/tools/${Service}/gatehouse-tools-${Service}-test\n                  # The emulator", "want only the role of its service's pipeline"},
		"everybody":            {"roles/deploy.yaml", "Principal: {AWS: !Sub \"arn:${AWS::Partition}:iam::${ToolsAccount}:root\"}", "Principal: '*'", "exactly one account or service"},
		"on_aws_too":           {"roles/deploy.yaml", "!If [OnAws, !Ref AWS::NoValue, !Sub", "!If [OnAws, !Sub 'arn:aws:iam::1:role/x', !Sub", "trusts an account"},
	})
	mutate(t, locked, map[string]mutation{
		"denial_lost":      {guard, "Effect: Deny", "Effect: Allow", "does not deny"},
		"denial_shortened": {guard, "                  - iam:DeleteRolePermissionsBoundary\n", "", "does not deny"},
		"denial_narrowed":  {guard, "                  - iam:SetDefaultPolicyVersion\n                Resource: \"*\"", "                  - iam:SetDefaultPolicyVersion\n                Resource: !Ref BoundaryArn", "does not deny"},
		"own_path":         {guard, "Path: !Sub /gatehouse/${Environment}/pipeline/", "Path: !Sub /gatehouse/${Environment}/signup-guard/", "change and pass itself"},
		"name":             {guard, "RoleName: !Sub gatehouse-${Environment}-signup-guard-cloudformation", "RoleName: !Sub gatehouse-${Environment}-signin-audit-cloudformation", "RoleName is"},
	})
}
