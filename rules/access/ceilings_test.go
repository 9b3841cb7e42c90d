package access

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/policy"
	"gatehouse.example/tools/template"
)

// ceiling is a permissions boundary and the permissions below it.
type ceiling struct {
	boundary template.Resource
	below    []grant
}

// grant is one action that a role is allowed, and the resource if a template names one.
type grant struct {
	where, action, resource string
}

// managed are the actions in the AWS managed policies that roles in this repository have:
// https://docs.aws.amazon.com/aws-managed-policy/latest/reference/
func managed() map[string][]string {
	return map[string][]string{
		"AWSLambdaBasicExecutionRole": {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"},
		"AWSXrayWriteOnlyAccess": {"xray:GetSamplingRules", "xray:GetSamplingStatisticSummaries", "xray:GetSamplingTargets",
			"xray:PutTelemetryRecords", "xray:PutTraceSegments"},
		"AmazonAPIGatewayPushToCloudWatchLogs": {"logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogGroups", "logs:DescribeLogStreams",
			"logs:FilterLogEvents", "logs:GetLogEvents", "logs:PutLogEvents"},
	}
}

// given returns everything that a resource's role is allowed.
func given(r template.Resource) []grant {
	var out []grant
	policies := template.Texts(r.Prop("ManagedPolicyArns"))
	if r.Type == repository.FunctionType && r.Prop("Role") == nil {
		// SAM adds these to each traced function whose role it makes.
		policies = append(policies, "AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess")
	}
	for _, arn := range policies {
		actions, known := managed()[path.Base(arn)]
		if !known {
			actions = []string{"unknown:" + path.Base(arn)}
		}
		for _, action := range actions {
			out = append(out, grant{r.String(), action, ""})
		}
	}
	for _, s := range repository.Statements(r.Prop("Policies")) {
		if template.Text(template.Get(s, "Effect")) != "Allow" {
			continue
		}
		for _, action := range template.Texts(template.Get(s, "Action")) {
			for _, resource := range template.Texts(template.Get(s, "Resource")) {
				out = append(out, grant{r.String(), action, resource})
			}
		}
	}
	return out
}

// ceilings returns the boundaries of the repository with the roles that have them:
// one for the services, one for the pipelines' roles in an environment, and one for
// the pipelines' roles in the tools account.
func ceilings(all []*template.Template) []*ceiling {
	byName := map[string]*ceiling{}
	var out []*ceiling
	for _, t := range ofPipelines(all) {
		for _, p := range t.Resources("AWS::IAM::ManagedPolicy") {
			if name := template.Text(p.Prop("ManagedPolicyName")); strings.HasSuffix(name, "boundary") {
				byName[name] = &ceiling{boundary: p}
				out = append(out, byName[name])
			}
		}
	}
	for _, t := range all {
		for _, r := range t.Resources("") {
			bound := template.Text(r.Prop("PermissionsBoundary"))
			switch {
			case r.Type != repository.FunctionType && r.Type != "AWS::IAM::Role", strings.HasPrefix(t.Path, "examples/"):
				continue
			case repository.Dir(t) != "pipeline":
				bound = "gatehouse-${Environment}-boundary"
			case bound == "ref:PipelineBoundary":
				bound = "gatehouse-${Environment}-pipeline-boundary"
			}
			if c := byName[path.Base(bound)]; c != nil {
				c.below = append(c.below, given(r)...)
			}
		}
	}
	return out
}

// admits reports whether a boundary's statement allows a permission. A resource that
// a template names by a reference or by SSM cannot be compared, and is accepted.
func admits(s *yaml.Node, p grant) bool {
	action := func(a string) bool { return policy.MatchFold(a, p.action) || policy.MatchFold(p.action, a) }
	resources := template.Texts(template.Get(s, "Resource"))
	resource := func(one string) bool {
		return slices.ContainsFunc(resources, func(r string) bool { return policy.MatchFold(r, one) })
	}
	return slices.ContainsFunc(template.Texts(template.Get(s, "Action")), action) &&
		(!strings.HasPrefix(p.resource, "arn:${AWS::Partition}") || strings.Contains(p.resource, "{{resolve") || !slices.ContainsFunc(p.resources(), func(one string) bool { return !resource(one) }))
}

// resources are those of the permission in the boundary's words. A stack that is in the
// tools account, for one environment, must be allowed for each.
func (p grant) resources() []string {
	account := strings.NewReplacer("${DevAccount}", "${Account}", "${TestAccount}", "${Account}", "${ProductionAccount}", "${Account}", "${EnvironmentAccount}", "${Account}")
	if !strings.Contains(p.resource, "${EnvironmentAccount}") {
		return []string{account.Replace(p.resource)}
	}
	var out []string
	for _, environment := range []string{"dev", "test", "production"} {
		out = append(out, account.Replace(strings.ReplaceAll(p.resource, "${Environment}", environment)))
	}
	return out
}

// belowCeilings: a boundary allows everything that its roles are allowed, because AWS
// reports the contrary only when a call is denied. And it allows nothing more.
func belowCeilings(all []*template.Template) []string {
	var out []string
	for _, c := range ceilings(all) {
		through := repository.Statements(c.boundary.Node)
		for _, p := range c.below {
			if !slices.ContainsFunc(through, func(s *yaml.Node) bool { return admits(s, p) }) {
				out = append(out, fmt.Sprintf("%s allows %s on %q, which %s does not allow", p.where, p.action, p.resource, c.boundary))
			}
		}
		for _, s := range through {
			for _, action := range template.Texts(template.Get(s, "Action")) {
				uses := func(p grant) bool { return policy.MatchFold(action, p.action) || policy.MatchFold(p.action, action) }
				if !slices.ContainsFunc(c.below, uses) {
					out = append(out, fmt.Sprintf("%s allows %s, which none of its roles needs", c.boundary, action))
				}
			}
		}
	}
	return out
}

func TestCeilings(t *testing.T) {
	t.Parallel()
	all := repository.Templates(t)
	for _, c := range ceilings(all) {
		if len(c.below) == 0 {
			t.Errorf("%s: no role has this boundary", c.boundary)
		}
	}
	if len(ceilings(all)) != 3 {
		t.Errorf("%d boundaries, want 3", len(ceilings(all)))
	}
	repository.Report(t, belowCeilings(all))
}

func TestCeilingsPlanted(t *testing.T) {
	t.Parallel()
	mutate(t, belowCeilings, map[string]mutation{
		"too_low":        {"environment.yaml", "sqs:ReceiveMessage, sqs:SendMessage]", "sqs:SendMessage]", "allows sqs:ReceiveMessage on"},
		"too_high":       {"environment.yaml", "Action: sns:Publish", "Action: [sns:Publish, sns:DeleteTopic]", "allows sns:DeleteTopic, which none"},
		"other_resource": {"environment.yaml", "parameter/gatehouse/${Environment}/*\n          - Sid: ReadUsers", "parameter/other/*\n          - Sid: ReadUsers", "allows ssm:GetParameters on"},
		"canary_wider":   {"environment.yaml", "Action: [cloudwatch:GetMetricStatistics, logs:DescribeLogGroups]\n", "Action: [cloudwatch:GetMetricStatistics, logs:DescribeLogGroups, logs:DeleteLogGroup]\n", "CanaryRole allows logs:DeleteLogGroup"},
		"build_wider":    {"pipeline.yaml", "Action: [s3:GetObject, s3:GetObjectVersion]", "Action: [s3:GetObject, s3:GetObjectVersion, s3:DeleteObject]", "allows s3:DeleteObject"},
		"unknown_policy": {"environment.yaml", "      PermissionsBoundary: !Ref PipelineBoundary\n", "      PermissionsBoundary: !Ref PipelineBoundary\n      ManagedPolicyArns: [arn:aws:iam::aws:policy/AdministratorAccess]\n", "allows unknown:AdministratorAccess"},
	})
}
