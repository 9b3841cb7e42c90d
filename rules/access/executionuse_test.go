package access

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// uses compares what a role for CloudFormation names with what its service's
// templates name, in both directions: the SSM names of other services, the managed
// policies of roles, and the services that roles are passed to.
func uses(all []*template.Template, of stacks) []string {
	var out []string
	names := repository.NamesOf(all)
	for _, role := range executionRoles(all) {
		dir, apart := stackOf(role.service)
		stack := of.at(dir, apart...)
		var resolved []string
		for name, readers := range names.Readers {
			if slices.Contains(readers, dir) && path.Base(path.Dir(name)) != role.service {
				resolved = append(resolved, name)
			}
		}
		same := func(what string, need, given []string) {
			for _, n := range need {
				if !slices.Contains(given, n) {
					out = append(out, fmt.Sprintf("%s: %s %s is used by %s and not allowed", role, what, n, dir))
				}
			}
			for _, g := range given {
				if !slices.Contains(need, g) {
					out = append(out, fmt.Sprintf("%s: %s %s is allowed and not used by %s", role, what, g, dir))
				}
			}
		}
		same("name", resolved, role.othersNames())
		same("managed policy", partitioned(stack.policies), slices.DeleteFunc(role.values("iam:PolicyARN"), func(arn string) bool { return slices.Contains(former, arn) }))
		trusted := slices.Clone(stack.trusted)
		if slices.Contains(stack.types, "AWS::CodeDeploy::DeploymentGroup") {
			trusted = append(trusted, "codedeploy.amazonaws.com")
		}
		if slices.Contains(stack.types, template.StackType) { // it gets the role of its parent
			trusted = append(trusted, "cloudformation.amazonaws.com")
		}
		same("passing a role to", trusted, role.values("iam:PassedToService"))
		out = append(out, role.foreign()...)
	}
	slices.Sort(out)
	return out
}

// partitioned writes SAM's ARNs as the templates write them.
func partitioned(arns []string) []string {
	var out []string
	for _, arn := range arns {
		arn = strings.Replace(arn, "arn:aws:", "arn:${AWS::Partition}:", 1)
		if !slices.Contains(out, arn) {
			out = append(out, arn)
		}
	}
	return out
}

// othersNames returns the SSM names of other services that the role may read.
func (r executionRole) othersNames() []string {
	var out []string
	for _, s := range r.allowing() {
		for _, resource := range template.Texts(template.Get(s, "Resource")) {
			if _, name, ok := strings.Cut(resource, ":parameter"); ok && path.Base(path.Dir(name)) != r.service {
				out = append(out, name)
			}
		}
	}
	return out
}

// former are the managed policies that SAM attached to the roles of functions in version
// 0.1. The update to the templates' own roles detaches them, and its rollback attaches
// them again.
var former = []string{
	"arn:${AWS::Partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
	"arn:${AWS::Partition}:iam::aws:policy/AWSXrayWriteOnlyAccess",
}

// values returns all values of a condition key in the role's policies.
func (r executionRole) values(key string) []string {
	var out []string
	for _, s := range r.allowing() {
		for _, operator := range template.Pairs(template.Get(s, "Condition")) {
			out = append(out, template.Texts(template.Get(operator, key))...)
		}
	}
	return out
}

// foreign reports the resources whose names are not the service's and which have no
// written reason.
func (r executionRole) foreign() []string {
	own := []string{"gatehouse-${Environment}-" + r.service, "/gatehouse/${Environment}/" + r.service + "/", "/code/" + r.service + "/", "ref:ArtifactKeyArn"}
	var out []string
	for _, s := range r.allowing() {
		for _, resource := range template.Texts(template.Get(s, "Resource")) {
			named := func(part string) bool { return strings.Contains(resource, part) }
			if !slices.ContainsFunc(own, named) && !reasoned(r.Template, s, "Resource") {
				out = append(out, fmt.Sprintf("%s:%d: the name of %s is not one of %s's, and there is no '# Reason:' comment", r.Path, s.Line, resource, r.service))
			}
		}
	}
	return out
}

// plantUses plants errors in the roles, which both rules must find.
func plantUses(t *testing.T, of stacks, reg Registry, exceptions []Exception) {
	t.Helper()
	const guard = "roles/signup-guard.yaml"
	actions := func(all []*template.Template) []string { return execution(all, of, reg, exceptions) }
	mutate(t, actions, map[string]mutation{
		"removed":             {guard, "                  - lambda:UpdateAlias\n", "", "lambda:updatealias is needed by AWS::Lambda::Alias and not allowed"},
		"removed_of_rollouts": {guard, "                  - codedeploy:CreateDeployment\n", "", "codedeploy:createdeployment is needed by AWS::CodeDeploy::DeploymentGroup, AWS::Lambda::Alias"},
		"removed_of_a_nested": {"roles/user-events.yaml", "cloudwatch:PutDashboard", "cloudwatch:GetDashboard", "cloudwatch:putdashboard is needed by AWS::CloudWatch::Dashboard"},
		"widened":             {guard, "                  - lambda:UpdateAlias\n", "                  - lambda:UpdateAlias\n                  - lambda:InvokeFunction\n", "lambda:invokefunction is allowed, and no resource type of services/signup-guard needs it"},
		"widened_by_star":     {guard, "                  - lambda:UpdateAlias\n", "                  - lambda:UpdateAlias\n                  - lambda:Update*\n", "lambda:update* is allowed"},
		"widened_by_another":  {guard, "Action: codedeploy:StopDeployment", "Action: [codedeploy:StopDeployment, dynamodb:DeleteTable]", "dynamodb:deletetable is allowed, and no resource type of services/signup-guard"},
		"kept_data_deletable": {"roles/signin-audit.yaml", "                  - dynamodb:CreateTable\n", "                  - dynamodb:CreateTable\n                  - dynamodb:DeleteTable\n", "dynamodb:deletetable is allowed"},
		"pool_deletable":      {"roles/platform.yaml", "                  - cognito-idp:DescribeUserPool\n", "                  - cognito-idp:DescribeUserPool\n                  - cognito-idp:DeleteUserPool\n", "cognito-idp:deleteuserpool is allowed"},
	})
	named := func(all []*template.Template) []string { return uses(all, of) }
	mutate(t, named, map[string]mutation{
		"name_lost":           {guard, "/user-events/topic-arn\n", "/user-events/topic-key-arn\n", "name /gatehouse/${Environment}/user-events/topic-arn is used"},
		"name_too_many":       {guard, "/user-events/topic-arn\n", "/user-events/bus-arn\n", "bus-arn is allowed and not used"},
		"policy_lost":         {"roles/api.yaml", "AmazonAPIGatewayPushToCloudWatchLogs", "AdministratorAccess", "AmazonAPIGatewayPushToCloudWatchLogs is used"},
		"policy_too_many":     {guard, "policy/AWSXrayWriteOnlyAccess", "policy/AdministratorAccess", "AdministratorAccess is allowed and not used"},
		"passed_to_another":   {guard, "PassedToService: lambda.amazonaws.com", "PassedToService: ec2.amazonaws.com", "passing a role to ec2.amazonaws.com is allowed and not used"},
		"passed_to_lambda":    {guard, "PassedToService: lambda.amazonaws.com", "PassedToService: ec2.amazonaws.com", "passing a role to lambda.amazonaws.com is used"},
		"not_itself":          {"roles/api.yaml", "PassedToService: cloudformation.amazonaws.com", "PassedToService: lambda.amazonaws.com", "passing a role to cloudformation.amazonaws.com is used"},
		"itself_for_nothing":  {"roles/log-encryptor.yaml", "PassedToService: codedeploy.amazonaws.com", "PassedToService: [cloudformation.amazonaws.com, codedeploy.amazonaws.com]", "passing a role to cloudformation.amazonaws.com is allowed and not used"},
		"reason_taken_away":   {"roles/signin-audit.yaml", "                # Reason: the recorder's queue is subscribed to user-events' topic.\n", "", "is not one of signin-audit's"},
		"others_by_no_reason": {guard, "                # Reason: the service's functions, their versions and aliases.\n                Resource: !Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:gatehouse-${Environment}-signup-guard-*", "                Resource: !Sub arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:gatehouse-${Environment}-*", "is not one of signup-guard's"},
	})
}

// staleException: an exception that is not needed is an error.
func staleException(t *testing.T, all []*template.Template, of stacks, reg Registry) {
	t.Helper()
	stale := []Exception{{Service: "api", Type: "AWS::Lambda::Function", Action: "ec2:RunInstances", Line: 7}}
	want := "rules/access/exceptions.txt:7: ec2:RunInstances is no longer needed"
	if got := strings.Join(execution(all, of, reg, stale), "\n"); !strings.Contains(got, want) {
		t.Errorf("findings %q, want one with %q", got, want)
	}
}
