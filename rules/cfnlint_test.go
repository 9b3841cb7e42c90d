package rules_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// cfnLint finds the pinned linter. It fails where there is none: a template test
// that passes because it did not run is worse than none.
func cfnLint(t *testing.T) string {
	t.Helper()
	if venv := os.Getenv("GATEHOUSE_VENV"); venv != "" {
		if path, err := exec.LookPath(filepath.Join(venv, "bin", "cfn-lint")); err == nil {
			return path
		}
	}
	local, err := filepath.Abs(filepath.Join(root, ".local", "venv", "bin", "cfn-lint"))
	if err != nil {
		t.Fatalf("filepath.Abs: %v", err)
	}
	for _, name := range []string{local, "cfn-lint"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("cfn-lint is not installed; run `make tools` first")
	return ""
}

// strictly are cfn-lint's options: everything that it knows, what is experimental
// and what only informs included, types compared as the schemas write them. A
// check that is left out stands here with its reason.
func strictly() []string {
	return []string{
		"--include-experimental", "--include-checks", "I", "--configure-rule", "E3012:strict=true",
		"--region", "us-east-1",
		// I3011 wants both policies on every queue and log group. The rule TestStateful
		// asks for more where data is that counts; a queue and a log group are emptied by
		// time anyway, and the tool refuses the change set that removes a queue.
		"--ignore-checks", "I3011",
		"--",
	}
}

func TestCfnLint(t *testing.T) {
	t.Parallel()
	args := strictly()
	for _, template := range templates(t) {
		args = append(args, filepath.Join(root, template.Path))
	}
	if out, err := exec.Command(cfnLint(t), args...).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

func TestCfnLintPlanted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	args := strictly()
	errs := map[string]struct{ text, want string }{
		"unknown_property": {"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {NoSuchProperty: 1}\n", "E3002"},
		"text_for_number":  {"Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {DelaySeconds: '5'}\n", "E3012"},
		"unused_parameter": {"Parameters:\n  P: {Type: String}\nResources:\n  Q: {Type: AWS::SQS::Queue}\n", "W2001"},
		"needless_depends": {"Resources:\n  Q: {Type: AWS::SQS::Queue}\n  P:\n    Type: AWS::SSM::Parameter\n    DependsOn: Q\n    Properties: {Type: String, Value: !Ref Q}\n", "W3005"},
		"fixed_partition":  {"Resources:\n  T:\n    Type: AWS::SNS::Subscription\n    Properties: {TopicArn: !Sub 'arn:aws:sns:${AWS::Region}:${AWS::AccountId}:t', Protocol: sqs}\n", "I3042"},
	}
	for name, planted := range errs {
		file := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(file, []byte(planted.text), 0o600); err != nil {
			t.Fatalf("os.WriteFile: %v", err)
		}
		args = append(args, file)
	}
	out, err := exec.Command(cfnLint(t), args...).CombinedOutput()
	if err == nil {
		t.Fatal("cfn-lint admits everything")
	}
	for name, planted := range errs {
		if !strings.Contains(string(out), planted.want) {
			t.Errorf("%s: no %s in\n%s", name, planted.want, out)
		}
	}
}
