package repository

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// CfnLint finds the pinned linter. It fails where there is none: a template test
// that passes because it did not run is worse than none.
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

// LintPins names the version of cfn-lint and of SAM's translator.
func LintPins() string { return filepath.Join(Root, "tools", "requirements.txt") }

// Python finds the interpreter beside the pinned SAM CLI.
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
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("SAM's translator is not installed; run `make tools` first: %v", err)
	}
	return path
}
