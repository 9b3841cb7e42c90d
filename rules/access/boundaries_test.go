package access

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
)

// boundedActions change what a role may do; a pipeline's role has them for roles
// with the boundary only.
func boundedActions() []string {
	return []string{"iam:AttachRolePolicy", "iam:CreateRole", "iam:DeleteRolePolicy", "iam:DetachRolePolicy", "iam:PutRolePermissionsBoundary", "iam:PutRolePolicy"}
}

// otherIAM is all else that a pipeline's role may do in IAM: nothing of it gives
// anybody a permission. What is in neither list, such as users, keys and policies
// that roles share, is an administrator's.
func otherIAM() []string {
	return []string{"iam:CreateServiceLinkedRole", "iam:DeleteRole", "iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies",
		"iam:PassRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole", "iam:UpdateRoleDescription"}
}

// ofPipelines are the templates of the pipelines.
func ofPipelines(all []*repository.Template) []*repository.Template {
	return slices.DeleteFunc(slices.Clone(all), func(t *repository.Template) bool { return t.Dir() != "pipeline" })
}

// boundaries: a role of a pipeline makes roles with the boundary only, and hands
// on roles of a path to a named service only.
func boundaries(all []*repository.Template) []string {
	var out []string
	for _, t := range ofPipelines(all) {
		for _, s := range repository.Statements(t.Root) {
			if repository.Text(repository.Get(s, "Effect")) != "Allow" {
				continue
			}
			for _, action := range repository.Texts(repository.Get(s, "Action")) {
				if finding := inIAM(t, action, s); finding != "" {
					out = append(out, fmt.Sprintf("%s:%d: %s %s", t.Path, s.Line, action, finding))
				}
			}
		}
	}
	return out
}

// inIAM says what is wrong with an action of IAM in a statement.
func inIAM(t *repository.Template, action string, s *yaml.Node) string {
	if !strings.HasPrefix(action, "iam:") {
		return ""
	}
	for _, resource := range repository.Texts(repository.Get(s, "Resource")) {
		if id, ok := strings.CutPrefix(strings.TrimSuffix(resource, ".Arn"), "att:"); ok {
			resource = ":role" + repository.Text(repository.Get(t.Root, "Resources", id, "Properties", "Path"))
		}
		if !strings.Contains(resource, ":role/gatehouse/") && action != "iam:CreateServiceLinkedRole" {
			return "reaches " + resource + "; roles stand below /gatehouse/"
		}
	}
	switch {
	case slices.Contains(boundedActions(), action):
		if bound := repository.Text(repository.Get(s, "Condition", "StringEquals", "iam:PermissionsBoundary")); bound == "" {
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
		return "is for administrators only"
	}
	return ""
}

// trusts: who may take a pipeline's role. Another account only with a condition
// that names roles of a path; the deploy role one pipeline's role and no other.
func trusts(all []*repository.Template) []string {
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
				if p := repository.Get(s, "Principal"); repository.Text(p) == "*" || len(repository.Texts(repository.Get(p, "Service")))+len(repository.Texts(repository.Get(p, "AWS"))) != 1 {
					say("a statement of its trust names not one account or service")
				}
				if repository.Get(s, "Principal", "AWS") != nil {
					arns := onAws(repository.Get(s, "Condition", "ArnLike", "aws:PrincipalArn"))
					named = append(named, arns...)
					if len(arns) == 0 || slices.ContainsFunc(arns, func(arn string) bool { return !strings.Contains(arn, ":role/gatehouse/tools/") }) {
						say("trusts an account without naming its roles below /gatehouse/tools/ in aws:PrincipalArn")
					}
				}
			}
			if strings.HasSuffix(repository.Text(role.Prop("RoleName")), "-deploy") && (len(trust) != 1 || !slices.Equal(named, []string{deploy})) {
				say("trusts %v, not the role of its service's pipeline alone", named)
			}
		}
	}
	return out
}

// onAws are the texts of a list without those that only an emulator gets.
func onAws(list *yaml.Node) []string {
	if list == nil {
		return nil
	}
	var out []string
	for _, item := range list.Content {
		if item.Tag == "!If" && len(item.Content) == 3 && item.Content[0].Value == "OnAws" {
			item = item.Content[1]
		}
		if text := repository.Text(item); text != "ref:AWS::NoValue" {
			out = append(out, text)
		}
	}
	return out
}

// locked: whatever else a role of CloudFormation's is given one day, it may not
// touch a boundary, and it is found in the one folder that the rules know.
func locked(all []*repository.Template) []string {
	want := []string{"iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:DeleteRolePermissionsBoundary", "iam:SetDefaultPolicyVersion"}
	var out []string
	for _, role := range executionRoles(all) {
		denies := func(s *yaml.Node) bool {
			denied := repository.Texts(repository.Get(s, "Action"))
			return repository.Text(repository.Get(s, "Effect")) == "Deny" && repository.Get(s, "Condition") == nil && repository.Text(repository.Get(s, "Resource")) == "*" &&
				!slices.ContainsFunc(want, func(action string) bool { return !slices.Contains(denied, action) })
		}
		if !slices.ContainsFunc(role.statements(), denies) {
			out = append(out, fmt.Sprintf("%s: does not deny %s on everything", role, strings.Join(want, ", ")))
		}
		if name := "gatehouse-${Environment}-" + role.service + "-cloudformation"; repository.Text(role.Prop("RoleName")) != name {
			out = append(out, fmt.Sprintf("%s: RoleName is %s, want %s", role, repository.Text(role.Prop("RoleName")), name))
		}
		if repository.Text(role.Prop("Path")) != "/gatehouse/${Environment}/pipeline/" {
			out = append(out, fmt.Sprintf("%s: on the path of a service it could change and pass itself", role))
		}
	}
	return out
}

// ownRoles: a role of CloudFormation's reaches the roles of its service and no
// others; beside them it only hands on CodeDeploy's.
func ownRoles(all []*repository.Template) []string {
	const roles = "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/gatehouse/${Environment}/"
	var out []string
	for _, role := range executionRoles(all) {
		for _, s := range role.statements() {
			if repository.Text(repository.Get(s, "Effect")) != "Allow" {
				continue
			}
			for _, action := range repository.Texts(repository.Get(s, "Action")) {
				for _, resource := range repository.Texts(repository.Get(s, "Resource")) {
					handedOn := action == "iam:PassRole" && resource == roles+"pipeline/gatehouse-${Environment}-codedeploy"
					if strings.HasPrefix(action, "iam:") && action != "iam:CreateServiceLinkedRole" && resource != roles+role.service+"/*" && !handedOn {
						out = append(out, fmt.Sprintf("%s: %s reaches %s, want %s%s/*", role, action, resource, roles, role.service))
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
			at := slices.IndexFunc(all, func(t *repository.Template) bool { return t.Path == path.Join("pipeline", m.file) })
			if at < 0 {
				t.Fatalf("there is no pipeline/%s", m.file)
			}
			text := strings.Join(all[at].Lines, "\n")
			if !strings.Contains(text, m.old) {
				t.Fatalf("nothing to plant at: %s", m.old)
			}
			all[at] = repository.MustParse(t, all[at].Path, strings.Replace(text, m.old, m.new, 1))
			if got := strings.Join(check(all), "\n"); !strings.Contains(got, m.want) || got == "" {
				t.Errorf("findings %q, want one with %q", got, m.want)
			}
		})
	}
}

// mutation is one error in a template of the pipelines and a part of its finding.
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
		"pass_any_role":      {guard, ":role/gatehouse/${Environment}/pipeline/gatehouse-${Environment}-codedeploy", ":role/*", "iam:PassRole reaches"},
		"make_users":         {guard, "iam:GetRole\n", "iam:CreateUser\n", "iam:CreateUser is for administrators"},
		"edit_policies":      {guard, "iam:GetRole\n", "iam:CreatePolicyVersion\n", "iam:CreatePolicyVersion is for administrators"},
		"all_of_iam":         {guard, "iam:GetRole\n", "iam:*\n", "iam:* is for administrators"},
		"deploy_passes_all":  {"roles/deploy.yaml", "role/gatehouse/${Environment}/pipeline/gatehouse-${Environment}-${Service}-cloudformation", "role/*", "iam:PassRole reaches"},
		"service_linked":     {"roles/platform.yaml", "                Condition: {StringEquals: {iam:AWSServiceName: email.cognito-idp.amazonaws.com}}\n", "", "without iam:AWSServiceName"},
	})
	mutate(t, ownRoles, map[string]mutation{
		"all_roles_of_the_environment": {guard, ":role/gatehouse/${Environment}/signup-guard/*", ":role/gatehouse/${Environment}/*", "reaches"},
		"roles_of_another_service":     {guard, ":role/gatehouse/${Environment}/signup-guard/*", ":role/gatehouse/${Environment}/platform/*", "reaches"},
		"codedeploys_role_changed":     {guard, "- Sid: PassTheRoleOfCodeDeploy\n                Effect: Allow\n                Action: iam:PassRole", "- Sid: PassTheRoleOfCodeDeploy\n                Effect: Allow\n                Action: iam:DeleteRole", "iam:DeleteRole reaches"},
		"the_deploy_role_passed":       {guard, "gatehouse-${Environment}-codedeploy", "gatehouse-${Environment}-signup-guard-deploy", "iam:PassRole reaches"},
	})
	mutate(t, trusts, map[string]mutation{
		"any_role_of_tools":    {"environment.yaml", "role/gatehouse/tools/*/gatehouse-tools-*-test", "role/*", "trusts an account"},
		"any_role_by_no_key":   {"environment.yaml", "aws:PrincipalArn:", "aws:SourceArn:", "trusts an account"},
		"another_pipeline":     {"roles/deploy.yaml", "role/gatehouse/tools/${Service}/gatehouse-tools-${Service}-pipeline", "role/gatehouse/tools/*/gatehouse-tools-*-pipeline", "not the role of its service's pipeline alone"},
		"the_test_project_too": {"roles/deploy.yaml", "                  # The emulator", "                  - !Sub arn:${AWS::Partition}:iam::${ToolsAccount}:role/gatehouse/tools/${Service}/gatehouse-tools-${Service}-test\n                  # The emulator", "not the role of its service's pipeline alone"},
		"everybody":            {"roles/deploy.yaml", "Principal: {AWS: !Sub \"arn:${AWS::Partition}:iam::${ToolsAccount}:root\"}", "Principal: '*'", "not one account or service"},
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
