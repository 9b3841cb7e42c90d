package sam

import (
	"os"
	"path/filepath"
	"testing"

	"gatehouse.example/tools/stacks"
)

// repository writes a service that imports a shared module and embeds a file.
func repository(t *testing.T) (root string, s stacks.Stack) {
	t.Helper()
	root = t.TempDir()
	for path, text := range map[string]string{
		"contracts/go.mod": "module example.test/contracts\n\ngo 1.26.0\n",
		"contracts/c.go":   "package contracts\n\nconst A = 1\n",
		"services/guard/go.mod": "module example.test/guard\n\ngo 1.26.0\n\nrequire example.test/contracts v0.0.0\n\n" +
			"replace example.test/contracts => ../../contracts\n",
		"services/guard/cmd/presignup/main.go":      "package main\n\nimport (\n\t_ \"embed\"\n\n\t_ \"example.test/contracts\"\n)\n\n//go:embed list.txt\nvar List string\n\nfunc main() {}\n",
		"services/guard/cmd/presignup/list.txt":     "a\n",
		"services/guard/cmd/presignup/main_test.go": "package main\n",
		"services/guard/README.md":                  "# guard\n",
		"services/guard/template.yaml":              "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: cmd/presignup}\n  P:\n    Type: AWS::Serverless::Function\n    Metadata: {SkipBuild: true}\n    Properties: {CodeUri: src}\n  N:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: nested.yaml}\n",
		"services/guard/nested.yaml":                "Resources: {}\n",
		"services/guard/src/packed.py":              "a = 1\n",
	} {
		put(t, root, path, text)
	}
	s, err := stacks.Read(filepath.Join(root, "services/guard"))
	if err != nil {
		t.Fatal(err)
	}
	return root, s
}

func put(t *testing.T, root, path, text string) {
	t.Helper()
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func fingerprint(t *testing.T, s stacks.Stack, extra ...string) string {
	t.Helper()
	fp, err := Fingerprint(t.Context(), s, extra...)
	if err != nil {
		t.Fatal(err)
	}
	return fp
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		path, text string
		changes    bool
	}{
		"shared_module":  {"contracts/c.go", "package contracts\n\nconst A = 2\n", true},
		"embedded_file":  {"services/guard/cmd/presignup/list.txt", "b\n", true},
		"go_version":     {"contracts/go.mod", "module example.test/contracts\n\ngo 1.25.0\n", true},
		"settings":       {"services/guard/samconfig.toml", "version = 0.1\n", true},
		"nested":         {"services/guard/nested.yaml", "Resources: {Q: {Type: AWS::SQS::Queue}}\n", true},
		"new_file":       {"contracts/d.go", "package contracts\n", true},
		"packed":         {"services/guard/src/packed.py", "a = 2\n", true},
		"packed_cache":   {"services/guard/src/__pycache__/packed.pyc", "x", false},
		"test":           {"services/guard/cmd/presignup/main_test.go", "package main\n\nvar x int\n", false},
		"readme":         {"services/guard/README.md", "other", false},
		"unused_package": {"contracts/other/o.go", "package other\n", false},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root, s := repository(t)
			before := fingerprint(t, s)
			put(t, root, tc.path, tc.text)
			if got := fingerprint(t, s) != before; got != tc.changes {
				t.Errorf("changed: %v, want %v", got, tc.changes)
			}
		})
	}
}

// The same sources in another folder are the same inputs.
func TestFingerprintDoesNotKnowTheFolder(t *testing.T) {
	t.Parallel()
	_, a := repository(t)
	_, b := repository(t)
	if fingerprint(t, a, "x") != fingerprint(t, b, "x") {
		t.Error("two checkouts differ")
	}
	if fingerprint(t, a, "x", "y") == fingerprint(t, a, "xy") {
		t.Error("parameters run together")
	}
}

func TestFingerprintOfBrokenCode(t *testing.T) {
	t.Parallel()
	root, s := repository(t)
	put(t, root, "services/guard/cmd/presignup/main.go", "package main\n\nimport \"example.test/nothing\"\n")
	if _, err := Fingerprint(t.Context(), s); err == nil {
		t.Error("no error for an import that is nowhere")
	}
}
