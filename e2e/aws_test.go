package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/sam"
)

// TestAWSDeployAndDestroy deploys the environment dev in addition to local,
// with the command that deploys to AWS, and takes it down again.
func TestAWSDeployAndDestroy(t *testing.T) {
	hold(t, &accounts) // before t.Parallel, so that the longest test starts first
	t.Parallel()
	s := located(t) // also runs with tests that are alone: it does not use the local environment
	before := s.stacks(t)
	t.Cleanup(func() { _, _ = s.awsCommand(t, "destroy", "--yes", "dev") })

	s.refused(t, "which is not AWS", exec.Command(s.tool(), "aws", "check", "--environment", "dev"))
	s.refused(t, "signup-guard reads names of", s.aws("deploy", "signup-guard", "--yes"))
	s.failedCreation(t)
	output, err := s.awsCommand(t, "deploy")
	if err == nil || !strings.Contains(output, "add --yes") || !strings.Contains(output, "Plan, in this order") {
		t.Fatalf("without an answer: %v\n%s", err, output)
	}
	if left := s.devStacks(t); len(left) > 0 {
		t.Errorf("the plan alone left %v", left)
	}

	output = must(s.awsCommand(t, "deploy", "--yes"))(t)
	inOrder(t, output, "log-encryptor", "user-events", "signup-guard", "platform")
	for _, name := range s.devStacks(t) {
		s.protected(t, name)
	}
	if output := must(s.awsCommand(t, "deploy", "signup-guard", "platform", "--yes"))(t); strings.Count(output, "unchanged, protected") != 2 {
		t.Errorf("the second deployment was not empty:\n%s", output)
	}

	s.refused(t, "as its PostConfirmation trigger", s.aws("destroy", "user-events", "--yes", "dev"))
	s.refused(t, "the environment is dev", s.aws("destroy", "--yes", "production"))
	if got := len(s.devStacks(t)); got == 0 {
		t.Fatal("a refusal deleted something")
	}
	pool := s.devPool(t)
	s.refused(t, pool+" is not a pool, table or key of the environment outside its stacks", s.aws("delete-retained", pool, "--yes", "dev"))
	output = must(s.awsCommand(t, "destroy", "--yes", "dev"))(t)
	if left := s.devStacks(t); len(left) > 0 {
		t.Errorf("not deleted: %v\n%s", left, output)
	}
	s.madeAgain(t)
	s.kept(t, pool, output)
	after := s.stacks(t)
	for name, was := range before {
		// Other tests deploy these at the same time.
		meanwhile := slices.ContainsFunc([]string{"signup-guard", "example-subscriber", "log-encryptor", "platform", "user-events"}, func(stack string) bool {
			return strings.HasPrefix(name, "gatehouse-local-"+stack)
		})
		if !after[name].Equal(was) && !meanwhile {
			t.Errorf("stack %s changed", name)
		}
	}
}

func (s *system) tool() string { return filepath.Join(s.root, "bin", "gatehouse") }

// aws is `gatehouse aws` for dev, rehearsed on the emulator. It builds, and so
// needs the caches of this process.
func (s *system) aws(command string, args ...string) *exec.Cmd {
	return exec.Command(s.tool(), append([]string{"aws", command, "--environment", "dev", "--emulator"}, args...)...)
}

func (s *system) exec(cmd *exec.Cmd) (string, error) {
	cmd.Dir, cmd.Env = s.root, os.Environ()
	for name, value := range s.env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	return combined(cmd)
}

// awsCommand runs such a command.
func (s *system) awsCommand(t *testing.T, command string, args ...string) (string, error) {
	t.Helper()
	return s.exec(s.aws(command, args...))
}

func (s *system) refused(t *testing.T, why string, cmd *exec.Cmd) {
	t.Helper()
	if output, err := s.exec(cmd); err == nil || !strings.Contains(output, why) {
		t.Errorf("%v: %v, want a refusal with %q\n%s", cmd.Args[1:], err, why, output)
	}
}

// devStacks are the environment's stacks and those that they nest.
func (s *system) devStacks(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, stack := range must(s.clients(t).cloudformation.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{}))(t).Stacks {
		if strings.HasPrefix(*stack.StackName, "gatehouse-dev-") {
			names = append(names, *stack.StackName)
		}
	}
	return names
}

// protected tries to delete a stack past the tool, and looks for its policy and tags.
func (s *system) protected(t *testing.T, name string) {
	t.Helper()
	client := s.clients(t).cloudformation
	policy := must(client.GetStackPolicy(t.Context(), &cloudformation.GetStackPolicyInput{StackName: &name}))(t)
	if !strings.Contains(aws.ToString(policy.StackPolicyBody), "AWS::Cognito::UserPool") {
		t.Errorf("%s has the policy %q", name, aws.ToString(policy.StackPolicyBody))
	}
	// A nested stack ends in its logical id and a number; its parent protects it.
	if regexp.MustCompile(`-[A-Z][A-Za-z]+-[0-9a-f-]+$`).MatchString(name) {
		return
	}
	stack := must(client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: &name}))(t).Stacks[0]
	tags := map[string]string{}
	for _, tag := range stack.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	if diff := cmp.Diff(sam.Tags("dev", strings.TrimPrefix(name, "gatehouse-dev-")), tags); diff != "" {
		t.Errorf("tags of %s, which are not the pipelines' (-want +got):\n%s", name, diff)
	}
	if _, err := client.DeleteStack(t.Context(), &cloudformation.DeleteStackInput{StackName: &name}); err == nil {
		t.Errorf("%s can be deleted", name)
	}
}

// inOrder looks for the stacks' last lines.
func inOrder(t *testing.T, output string, names ...string) {
	t.Helper()
	var at []int
	for _, name := range names {
		line := regexp.MustCompile(`(?m)^✓ ` + name + ` +deployed, protected`).FindStringIndex(output)
		if line == nil {
			t.Fatalf("%s was not deployed", name)
		}
		at = append(at, line[0])
	}
	if !slices.IsSorted(at) {
		t.Errorf("%v were not deployed in this order", names)
	}
}

func (s *system) devPool(t *testing.T) string {
	t.Helper()
	for _, pool := range must(s.clients(t).cognito.ListUserPools(t.Context(), &cognitoidentityprovider.ListUserPoolsInput{MaxResults: aws.Int32(60)}))(t).UserPools {
		if *pool.Name == "gatehouse-dev" {
			return *pool.Id
		}
	}
	t.Fatal("dev has no user pool")
	return ""
}

// failedCreation creates a stack of dev that fails after its table. The printed commands
// lead back to an account in which the stack can be created.
func (s *system) failedCreation(t *testing.T) {
	t.Helper()
	const name, failing = "gatehouse-dev-signup-guard", `{"Resources": {
		"Table": {"Type": "AWS::DynamoDB::Table", "DeletionPolicy": "Retain", "UpdateReplacePolicy": "Retain", "Properties": {
			"AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}], "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
			"BillingMode": "PAY_PER_REQUEST", "DeletionProtectionEnabled": true}},
		"Fails": {"Type": "AWS::SSM::Parameter", "DependsOn": "Table", "Properties": {
			"Name": "/gatehouse/dev/fails", "Type": "String", "Value": "{{resolve:ssm:/gatehouse/dev/missing}}"}}}}`
	client := s.clients(t).cloudformation
	must(client.CreateStack(t.Context(), &cloudformation.CreateStackInput{StackName: aws.String(name), TemplateBody: aws.String(failing)}))(t)
	eventually(t, "the rollback", func() bool {
		return must(client.DescribeStacks(t.Context(), &cloudformation.DescribeStacksInput{StackName: aws.String(name)}))(t).Stacks[0].StackStatus == types.StackStatusRollbackComplete
	})
	output, err := s.awsCommand(t, "check")
	command := regexp.MustCompile(`then (aws cloudformation delete-stack .*), and deploy again`).FindStringSubmatch(output)
	left := regexp.MustCompile(`delete-retained --environment dev (gatehouse-dev-signup-guard-Table-\S+)`).FindStringSubmatch(output)
	if err == nil || command == nil || left == nil {
		t.Fatalf("check after a failed creation: %v\n%s", err, output)
	}
	if out, err := s.run(t, "bash", "-c", command[1]); err != nil {
		t.Errorf("%s: %v\n%s", command[1], err, out)
	}
	must(s.awsCommand(t, "delete-retained", left[1], "--yes", "dev"))(t)
	if output := must(s.awsCommand(t, "check"))(t); !strings.Contains(output, "stacks              0 of ") || strings.Contains(output, "belongs to no stack") {
		t.Errorf("check after the repair:\n%s", output)
	}
}

// madeAgain writes a log line too late, as a function does that ends after its stack was
// deleted. The check stops, until the group is deleted by the printed command.
func (s *system) madeAgain(t *testing.T) {
	t.Helper()
	const group = "/gatehouse/dev/signup-guard/presignup"
	if out, err := s.run(t, "aws", "logs", "create-log-group", "--log-group-name", group); err != nil {
		t.Fatalf("create-log-group: %v\n%s", err, out)
	}
	commands := regexp.MustCompile(`(?m)-> (aws logs delete-log-group .*?)(   \(.*)?$`)
	output, err := s.awsCommand(t, "check")
	if err == nil || !strings.Contains(output, group+" exists outside its stack") || !commands.MatchString(output) {
		t.Fatalf("check with a group that was made again: %v\n%s", err, output)
	}
	// Any function of the deleted stacks may have had a line more to write, for which the
	// emulator makes a group. On AWS their roles may not.
	for deadline := time.Now().Add(limit); err != nil; output, err = s.awsCommand(t, "check") {
		if time.Now().After(deadline) {
			t.Fatalf("the check still finds a group: %v\n%s", err, output)
		}
		for _, command := range commands.FindAllStringSubmatch(output, -1) {
			if out, err := s.run(t, "bash", "-c", command[1]); err != nil && !strings.Contains(out, "ResourceNotFoundException") {
				t.Errorf("%s: %v\n%s", command[1], err, out)
			}
		}
	}
	if strings.Count(output, "belongs to no stack") < 5 {
		t.Errorf("the check does not list what was retained:\n%s", output)
	}
}

// deleteByHand runs a printed command, on the emulator and without the question.
func (s *system) deleteByHand(t *testing.T, command string) (string, error) {
	t.Helper()
	if own, ok := strings.CutPrefix(command, "gatehouse aws delete-retained --environment dev "); ok {
		return s.awsCommand(t, "delete-retained", own, "--yes", "dev")
	}
	return s.run(t, "bash", "-c", command)
}

// kept checks that the pool is still there without triggers, and that the commands
// with which the tool says to delete it and the rest work.
func (s *system) kept(t *testing.T, pool, output string) {
	t.Helper()
	client := s.clients(t).cognito
	full := must(client.DescribeUserPool(t.Context(), &cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: &pool}))(t)
	if c := full.UserPool.LambdaConfig; c != nil && (c.PreSignUp != nil || c.PostConfirmation != nil || c.PreAuthentication != nil || c.PostAuthentication != nil) {
		t.Errorf("the remaining pool has the triggers %+v", *c)
	}
	commands := regexp.MustCompile(`(?m)^    delete  ((?:gatehouse )?aws .*?)(   \(.*)?$`).FindAllStringSubmatch(output, -1)
	if len(commands) < 5 || !strings.Contains(output, pool) {
		t.Fatalf("%d commands for what stays, of which there are a pool, tables and keys:\n%s", len(commands), output)
	}
	nested := "no nested key"
	if m := regexp.MustCompile(`user-events: TopicKey .*\s+id      (\S+)`).FindStringSubmatch(output); m != nil {
		nested = m[1]
	}
	for _, command := range commands {
		out, err := s.deleteByHand(t, command[1])
		// The emulator deletes what a nested stack retains; AWS does not.
		if err != nil && !strings.HasSuffix(command[1], nested) {
			t.Errorf("%s: %v\n%s", command[1], err, out)
		}
	}
	if _, err := client.DescribeUserPool(t.Context(), &cognitoidentityprovider.DescribeUserPoolInput{UserPoolId: &pool}); err == nil {
		t.Error("the pool is there after it was deleted by hand")
	}
}
