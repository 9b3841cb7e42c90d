package pipelines

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// TestBreakingSchema runs the real build. It fails for every service that uses the
// event, and names the event.
func TestBreakingSchema(t *testing.T) {
	s := start(t)
	c := s.whole(t)
	c.edit(t, "contracts/schemas/gatehouse.user.signup.rejected.v1.json", `"listVersion"`, `"version"`)
	c.commit(t, "rename what readers rely on")
	for service, does := range map[string]string{"signup-guard": "publishes", "user-events": "reads", "signin-audit": "reads"} {
		s.fails(t, []string{
			"✗ Build/Build", "phase pre_build", "services/" + service + " " + does + " gatehouse.user.signup.rejected.v1", "not reached",
		}, service, "--source", c.dir)
	}
}

// TestPushStartsPipelines evaluates the deployed triggers.
func TestPushStartsPipelines(t *testing.T) {
	s := start(t)
	const all = "gatehouse-api gatehouse-log-encryptor gatehouse-messages gatehouse-migration gatehouse-passwordless gatehouse-platform gatehouse-signin-audit gatehouse-signup-guard gatehouse-user-events"
	for file, want := range map[string]string{
		"contracts/types.go":                              all,
		"services/signup-guard/cmd/presignup/main.go":     "gatehouse-signup-guard",
		"services/signup-guard/template.yaml":             "gatehouse-signup-guard",
		"docs/walkthrough.md":                             "",
		"pipeline/config/api.json contracts/types_old.go": all + " gatehouse-pipelines",
	} {
		var out strings.Builder
		if err := s.tool(&out, s.pipeline(append([]string{"affected"}, strings.Fields(file)...)...)...); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
		got := strings.Fields(out.String())
		for _, name := range strings.Fields(want) {
			if !strings.Contains(out.String(), name+"\n") {
				t.Errorf("%s does not start %s", file, name)
			}
		}
		if len(got) != len(strings.Fields(want)) {
			t.Errorf("%s starts %v, want %s", file, got, want)
		}
	}
}

// TestRemovedPermissions removes one permission after another.
func TestRemovedPermissions(t *testing.T) {
	s := start(t)
	c := s.copied(t)
	const pipeline, build, deploy = "gatehouse-tools-signup-guard-pipeline", "gatehouse-tools-signup-guard-build", "gatehouse-test-signup-guard-deploy"
	for name, tc := range map[string]struct{ role, permission string }{
		"pipeline_source": {pipeline, "codeconnections:UseConnection"},
		"pipeline_put":    {pipeline, "s3:PutObject"},
		"pipeline_build":  {pipeline, "codebuild:StartBuild"},
		"build_get":       {build, "s3:GetObject"},
		"build_log":       {build, "logs:PutLogEvents"},
		"deploy_change":   {deploy, "cloudformation:CreateChangeSet"},
		"deploy_pass":     {deploy, "iam:PassRole"},
	} {
		t.Run(name, func(t *testing.T) {
			s.without(t, tc.role, tc.permission)
			s.fails(t, []string{"AccessDenied", tc.role, tc.permission}, "signup-guard", "--approve", "--source", c.dir)
		})
	}
}

// without removes an action from a role's policies until the test ends.
func (s *system) without(t *testing.T, role, action string) {
	t.Helper()
	client := iam.NewFromConfig(s.config())
	found := false
	for _, name := range must(client.ListRolePolicies(t.Context(), &iam.ListRolePoliciesInput{RoleName: &role}))(t).PolicyNames {
		was := must(client.GetRolePolicy(t.Context(), &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name}))(t)
		document := decoded(t, aws.ToString(was.PolicyDocument))
		less := strings.ReplaceAll(document, `"`+action+`"`, `"none:None"`)
		if less == document {
			continue
		}
		found = true
		put := func(ctx context.Context, text string) {
			if _, err := client.PutRolePolicy(ctx, &iam.PutRolePolicyInput{RoleName: &role, PolicyName: &name, PolicyDocument: &text}); err != nil {
				t.Errorf("iam.PutRolePolicy: %v", err)
			}
		}
		put(t.Context(), less)
		t.Cleanup(func() { put(context.WithoutCancel(t.Context()), document) })
	}
	if !found {
		t.Fatalf("%s has no permission for %s", role, action)
	}
}

// TestServicesAssumeTheirRoles: only the service that a role trusts can assume it, and
// only for the resource that the role names.
func TestServicesAssumeTheirRoles(t *testing.T) {
	s := start(t)
	const project = "arn:aws:codebuild:us-east-1:000000000000:project/gatehouse-signup-guard-build"
	role := aws.String("arn:aws:iam::000000000000:role/gatehouse/tools/signup-guard/gatehouse-tools-signup-guard-build")
	for name, tc := range map[string]struct {
		session, source string
		admitted        bool
	}{
		"the_service":     {"codebuild.amazonaws.com@test", project, true},
		"another_project": {"codebuild.amazonaws.com@test", project + "2", false},
		"another_service": {"codepipeline.amazonaws.com@test", project, false},
		"a_person":        {"somebody", project, false},
	} {
		in := &sts.AssumeRoleInput{RoleArn: role, RoleSessionName: aws.String(tc.session), ExternalId: aws.String(tc.source)}
		if _, err := sts.NewFromConfig(s.config()).AssumeRole(t.Context(), in); (err == nil) != tc.admitted {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// decoded decodes the percent-encoded policy that IAM returns.
func decoded(t *testing.T, text string) string {
	t.Helper()
	return must(url.PathUnescape(text))(t)
}
