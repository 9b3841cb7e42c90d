package repository

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// CfnLint returns the path of the pinned linter. It fails the test if there is none: a
// test that passes because it did not run is worse than no test.
func CfnLint(t *testing.T) string {
	t.Helper()
	if venv := os.Getenv("GATEHOUSE_VENV"); venv != "" {
		if path, err := exec.LookPath(filepath.Join(venv, "bin", "cfn-lint")); err == nil {
			return path
		}
	}
	for _, name := range []string{filepath.Join(Root, ".local", "venv", "bin", "cfn-lint"), "cfn-lint"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("cfn-lint is not installed; run `make tools` first")
	return ""
}

// LintPins is the file with the versions of cfn-lint and SAM's translator.
func LintPins() string { return filepath.Join(Root, "tools", "requirements.txt") }

// Python returns the path of the interpreter that runs the pinned SAM CLI.
func Python(t *testing.T) string {
	t.Helper()
	venv := os.Getenv("GATEHOUSE_VENV")
	if venv == "" {
		venv = filepath.Join(Root, ".local", "venv")
	}
	path, err := filepath.Abs(filepath.Join(venv, "bin", "python"))
	if err != nil {
		t.Fatalf("filepath.Abs: %v", err)
	}
	if _, err := exec.LookPath(path); err != nil {
		t.Fatalf("SAM's translator is not installed; run `make tools` first: %v", err)
	}
	return path
}
