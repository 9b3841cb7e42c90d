package e2e

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

const emulated = "000000000000" // the emulator's account

// account is the account of the pipelines and of the environment test, as its
// administrator sees it.
type account struct {
	*system
	root aws.Config
}

// TestPipelineRoles deploys what an administrator deploys for the pipelines, twice,
// takes the roles as their services take them, and tries what each may and may not do.
func TestPipelineRoles(t *testing.T) {
	t.Parallel()
	s := start(t)
	a := account{s, s.env.Config()}
	a.deploy(t, "tools", "bootstrap.yaml", "gatehouse-tools-pipeline", "OnAws=false")
	outputs := a.outputs(t, "gatehouse-tools-pipeline")
	environment := []string{"Environment=test", "OnAws=false", "ToolsAccount=" + emulated,
		"ArtifactBucket=" + outputs["ArtifactBucket"], "ArtifactKeyArn=" + outputs["ArtifactKeyArn"]}
	a.deploy(t, "test", "environment.yaml", "gatehouse-test-pipeline", environment...)
	a.deploy(t, "tools", "pipeline.yaml", "gatehouse-tools-signup-guard", "OnAws=false", "Service=signup-guard", "ArtifactFolder=gatehouse-signup-gua", "FilePaths=services/signup-guard/**",
		"Repository=example/gatehouse", "Mode=multi", "DevAccount="+emulated, "TestAccount="+emulated, "ProductionAccount="+emulated)
	a.deploy(t, "checks", "checks.yaml", "gatehouse-tools-checks", "OnAws=false", "DevAccount="+emulated, "TestAccount="+emulated, "ProductionAccount="+emulated)
	a.deploy(t, "canary", "canary.yaml", "gatehouse-tools-canary-test", "OnAws=false", "Commit=0123456789abcdef0123456789abcdef01234567", "Environment=test", "EnvironmentAccount="+emulated,
		"NotificationEmail=team@example.com", "Repository=example/gatehouse")
	if output := a.deploy(t, "test", "environment.yaml", "gatehouse-test-pipeline", environment...); !strings.Contains(output, "No changes to deploy") {
		t.Errorf("the second deployment changed something:\n%s", output)
	}

	pipeline := a.take(t, a.root, role("tools/signup-guard", "gatehouse-tools-signup-guard-pipeline"), "codepipeline.amazonaws.com@release", "")
	tests := a.build(t, "checks/gatehouse-tools-checks-unapproved", "gatehouse-checks-unapproved")
	approved := a.build(t, "checks/gatehouse-tools-checks-approved", "gatehouse-checks-approved")
	builds := a.build(t, "signup-guard/gatehouse-tools-signup-guard-build", "gatehouse-signup-guard-build")
	t.Run("trust", func(t *testing.T) {
		a.trust(t, pipeline, tests, approved, a.build(t, "canary/gatehouse-tools-canary-test", "gatehouse-canary-test"))
	})
	t.Run("code", func(t *testing.T) { a.code(t, builds, outputs["ArtifactBucket"]) })
	t.Run("deploy", func(t *testing.T) { a.deployRole(t, pipeline) })
	t.Run("canary", func(t *testing.T) { a.canaryRole(t, tests) })
	t.Run("boundary", a.boundary)
	t.Run("cloudformation", a.cloudFormationRole)
}

// build takes a role below /gatehouse/tools/ as CodeBuild does for a project.
func (a account) build(t *testing.T, name, project string) aws.Config {
	t.Helper()
	return a.take(t, a.root, role("tools", name), "codebuild.amazonaws.com@probe", "arn:aws:codebuild:"+a.root.Region+":"+emulated+":project/"+project)
}

// role is the ARN of a role by its path below /gatehouse/.
func role(path, name string) string {
	return "arn:aws:iam::" + emulated + ":role/gatehouse/" + path + "/" + name
}

// deploy is `sam deploy`, as in the pipelines' README.
func (a account) deploy(t *testing.T, block, template, stack string, parameters ...string) string {
	t.Helper()
	output, err := a.run(t, "bash", append([]string{"-c", `cd pipeline && SAM_CLI_TELEMETRY=0 SAM_CLI_POLL_DELAY=1 exec sam deploy "$@"`, "sam",
		"--config-env", block, "--template-file", template, "--stack-name", stack, "--no-confirm-changeset", "--parameter-overrides"}, parameters...)...)
	if err != nil {
		t.Fatalf("sam deploy %s: %v\n%s", stack, err, output)
	}
	return output
}

func (a account) outputs(t *testing.T, stack string) map[string]string {
	t.Helper()
	out := must(a.clients(t).cloudformation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &stack}))(t)
	values := map[string]string{}
	for _, o := range out.Stacks[0].Outputs {
		values[*o.OutputKey] = *o.OutputValue
	}
	return values
}

// try takes a role. A session SERVICE@anything is judged as that service, for the
// resource in source: the emulator's start wrapper sees to it.
func (a account) try(ctx context.Context, from aws.Config, arn, session, source string) (aws.Config, error) {
	in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: &session}
	if source != "" {
		in.ExternalId = &source
	}
	out, err := sts.NewFromConfig(from).AssumeRole(ctx, in)
	if err != nil {
		return aws.Config{}, fmt.Errorf("sts.AssumeRole: %w", err)
	}
	cfg := from.Copy()
	cfg.Credentials = credentials.NewStaticCredentialsProvider(*out.Credentials.AccessKeyId, *out.Credentials.SecretAccessKey, *out.Credentials.SessionToken)
	return cfg, nil
}

func (a account) take(t *testing.T, from aws.Config, arn, session, source string) aws.Config {
	t.Helper()
	return must(a.try(t.Context(), from, arn, session, source))(t)
}

// denied reports whether a call failed because a permission is missing.
func denied(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && slices.Contains([]string{"AccessDenied", "AccessDeniedException", "AuthorizationError"}, api.ErrorCode())
}

// probe is a call and whether it may be made. What does not exist may be asked for.
type probe struct {
	may bool
	err error
}

func probes(t *testing.T, tries map[string]probe) {
	t.Helper()
	for name, p := range tries {
		if denied(p.err) == p.may {
			t.Errorf("%s: %v, want it allowed: %t", name, p.err, p.may)
		}
	}
}

// trust: the pipeline takes its own deploy role, the project that tests unapproved commits
// and the one that a schedule starts take the canary's role in test, and none takes any other.
func (a account) trust(t *testing.T, pipeline, tests, approved, scheduled aws.Config) {
	as := func(from aws.Config, name, session string) error {
		_, err := a.try(t.Context(), from, role("test/pipeline", name), session, "")
		return err
	}
	probes(t, map[string]probe{
		"own_deploy_role":              {true, as(pipeline, "gatehouse-test-signup-guard-deploy", "probe")},
		"deploy_role_of_another":       {false, as(pipeline, "gatehouse-test-platform-deploy", "probe")},
		"cloudformations_role":         {false, as(pipeline, "gatehouse-test-signup-guard-cloudformation", "probe")},
		"canary_for_the_pipeline":      {false, as(pipeline, "gatehouse-test-canary", "probe")},
		"canary_for_the_tests":         {true, as(tests, "gatehouse-test-canary", "probe")},
		"canary_by_the_schedule":       {true, as(scheduled, "gatehouse-test-canary", "probe")},
		"deploy_role_by_the_schedule":  {false, as(scheduled, "gatehouse-test-signup-guard-deploy", "probe")},
		"canary_of_unapproved":         {false, as(approved, "gatehouse-test-canary", "probe")},
		"deploy_role_for_the_tests":    {false, as(tests, "gatehouse-test-signup-guard-deploy", "probe")},
		"deploy_role_for_the_root":     {false, as(a.root, "gatehouse-test-signup-guard-deploy", "probe")},
		"cloudformation_takes_its":     {true, as(a.root, "gatehouse-test-signup-guard-cloudformation", "cloudformation.amazonaws.com@probe")},
		"codepipeline_takes_that":      {false, as(a.root, "gatehouse-test-signup-guard-cloudformation", "codepipeline.amazonaws.com@probe")},
		"cloudformation_takes_another": {false, as(a.root, "gatehouse-test-signup-guard-deploy", "cloudformation.amazonaws.com@probe")},
	})
}

// deployRole: change sets of the own stack, and nothing that is in it.
func (a account) deployRole(t *testing.T, pipeline aws.Config) {
	cfg := a.take(t, pipeline, role("test/pipeline", "gatehouse-test-signup-guard-deploy"), "probe", "")
	client := cloudformation.NewFromConfig(cfg)
	make := func(stack string) error {
		_, err := client.CreateChangeSet(t.Context(), &cloudformation.CreateChangeSetInput{
			StackName: &stack, ChangeSetName: aws.String("release"), ChangeSetType: types.ChangeSetTypeCreate,
			TemplateBody: aws.String("Resources: {Topic: {Type: AWS::SNS::Topic}}"), RoleARN: aws.String(role("test/pipeline", "gatehouse-test-signup-guard-cloudformation")),
		})
		return err
	}
	t.Cleanup(func() {
		_, _ = cloudformation.NewFromConfig(a.root).DeleteStack(context.Background(), &cloudformation.DeleteStackInput{StackName: aws.String("gatehouse-test-signup-guard")})
	})
	own, platform := "gatehouse-test-signup-guard", "gatehouse-local-platform"
	_, deletes := client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &own})
	_, looks := client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &platform})
	_, queue := sqs.NewFromConfig(cfg).CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String(own + "-probe")})
	_, roles := iam.NewFromConfig(cfg).ListRoles(t.Context(), &iam.ListRolesInput{})
	probes(t, map[string]probe{
		"own_stack":             {true, make(own)},
		"platforms_stack":       {false, make("gatehouse-test-platform")},
		"production":            {false, make("gatehouse-production-signup-guard")},
		"deletion":              {false, deletes},
		"stack_of_another":      {false, looks},
		"a_resource_of_its_own": {false, queue},
		"roles":                 {false, roles},
	})
}

// code: a build uploads code once, and can neither overwrite nor delete it.
func (a account) code(t *testing.T, builds aws.Config, bucket string) {
	client := s3.NewFromConfig(builds, func(o *s3.Options) { o.UsePathStyle = true })
	key := aws.String("code/signup-guard/probe")
	put := func(condition *string) error {
		_, err := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: key, Body: strings.NewReader("code"), IfNoneMatch: condition})
		return err
	}
	_, deletes := client.DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: &bucket, Key: key})
	_, approved := client.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("gatehouse-signup-gua/Approved/probe"), Body: strings.NewReader("artifact")})
	probes(t, map[string]probe{
		"unconditional": {false, put(nil)}, "once": {true, put(aws.String("*"))}, "deleted": {false, deletes}, "approved": {false, approved},
	})
	var refused smithy.APIError
	if err := put(aws.String("*")); !errors.As(err, &refused) || refused.ErrorCode() != "PreconditionFailed" {
		t.Errorf("the second upload: %v", err)
	}
}

// canaryRole: a queue of its own, no other, no function, and no subscription of others.
func (a account) canaryRole(t *testing.T, tests aws.Config) {
	cfg := a.take(t, tests, role("test/pipeline", "gatehouse-test-canary"), "probe", "")
	queues := sqs.NewFromConfig(cfg)
	made, own := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("gatehouse-test-canary-probe")})
	if own == nil {
		_, own = queues.DeleteQueue(t.Context(), &sqs.DeleteQueueInput{QueueUrl: made.QueueUrl})
	}
	_, other := queues.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: aws.String("gatehouse-test-signup-guard-probe")})
	_, alias := lambda.NewFromConfig(cfg).UpdateAlias(t.Context(), &lambda.UpdateAliasInput{
		FunctionName: aws.String("gatehouse-test-signup-guard-presignup"), Name: aws.String("live"), FunctionVersion: aws.String("1")})
	subscribe := func(protocol, endpoint string) error {
		_, err := sns.NewFromConfig(cfg).Subscribe(t.Context(), &sns.SubscribeInput{
			TopicArn: aws.String("arn:aws:sns:" + a.root.Region + ":" + emulated + ":gatehouse-test-user-events"), Protocol: &protocol, Endpoint: &endpoint})
		return err
	}
	queue := "arn:aws:sqs:" + a.root.Region + ":" + emulated + ":gatehouse-test-"
	probes(t, map[string]probe{
		"own_queue": {true, own}, "queue_of_a_service": {false, other}, "alias": {false, alias},
		"own_queue_subscribed": {true, subscribe("sqs", queue+"canary-probe")}, "another_queue_subscribed": {false, subscribe("sqs", queue+"signin-audit-recorder")},
		"address_subscribed": {false, subscribe("email", "somebody@example.org")},
	})
}

// boundary: a role below it whose own policy allows everything may do next to nothing.
func (a account) boundary(t *testing.T) {
	const name, everything = "gatehouse-test-signup-guard-probe", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	admin := iam.NewFromConfig(a.root)
	must(admin.CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String(name), Path: aws.String("/gatehouse/test/signup-guard/"), PermissionsBoundary: aws.String("arn:aws:iam::" + emulated + ":policy/gatehouse/test/gatehouse-test-boundary"),
		AssumeRolePolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + emulated + `:root"},"Action":"sts:AssumeRole"}]}`),
	}))(t)
	t.Cleanup(func() {
		_, _ = admin.DeleteRolePolicy(context.Background(), &iam.DeleteRolePolicyInput{RoleName: aws.String(name), PolicyName: aws.String("everything")})
		_, _ = admin.DeleteRole(context.Background(), &iam.DeleteRoleInput{RoleName: aws.String(name)})
	})
	must(admin.PutRolePolicy(t.Context(), &iam.PutRolePolicyInput{RoleName: aws.String(name), PolicyName: aws.String("everything"), PolicyDocument: aws.String(everything)}))(t)
	cfg := a.take(t, a.root, role("test/signup-guard", name), "probe", "")
	topic := func(environment string) error {
		_, err := sns.NewFromConfig(cfg).Publish(t.Context(), &sns.PublishInput{
			TopicArn: aws.String("arn:aws:sns:" + a.root.Region + ":" + emulated + ":gatehouse-" + environment + "-probe"), Message: aws.String("probe")})
		return err
	}
	_, made := sns.NewFromConfig(cfg).CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("gatehouse-test-probe")})
	_, users := iam.NewFromConfig(cfg).ListUsers(t.Context(), &iam.ListUsersInput{})
	probes(t, map[string]probe{
		"topic_of_the_environment": {true, topic("test")},
		"topic_of_another":         {false, topic("production")},
		"new_topic":                {false, made},
		"iam":                      {false, users},
	})
}
