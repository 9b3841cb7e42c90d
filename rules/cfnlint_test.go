package rules_test

import (
	"os"
	"os/exec"
	"path/filepath"
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

func TestCfnLint(t *testing.T) {
	t.Parallel()
	args := []string{"--region", "us-east-1", "--"}
	only := os.Getenv("GATEHOUSE_SERVICE") // a pipeline lints what it deploys
	for _, template := range templates(t) {
		if only != "" && filepath.Base(template.Dir()) != only {
			continue
		}
		args = append(args, filepath.Join(root, template.Path))
	}
	if out, err := exec.Command(cfnLint(t), args...).CombinedOutput(); err != nil {
		t.Errorf("cfn-lint: %v\n%s", err, out)
	}
}

func TestCfnLintPlanted(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "template.yaml")
	text := "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: {NoSuchProperty: 1}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatalf("os.WriteFile: %v", err)
	}
	if out, err := exec.Command(cfnLint(t), file).CombinedOutput(); err == nil {
		t.Errorf("cfn-lint admits an unknown property: %s", out)
	}
}
