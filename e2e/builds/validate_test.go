package builds

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// python is that of the pinned tools. Without it the test fails: one that passes
// because it did not run is worse than none.
func python(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../.local/venv/bin/python")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the SAM CLI is not installed; run `make tools` first: %v", err)
	}
	return path
}

func validate(t *testing.T, templates ...string) (string, error) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), python(t), append([]string{"validate.py"}, templates...)...).CombinedOutput()
	return string(out), err
}

func TestSamValidateLint(t *testing.T) {
	t.Parallel()
	var all []string
	for _, pattern := range []string{"services/*/*.yaml", "platform/*.yaml", "pipeline/*.yaml", "pipeline/*/*.yaml", "examples/*/*.yaml"} {
		found, err := filepath.Glob(filepath.Join("../..", filepath.FromSlash(pattern)))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			// A folder of templates may hold other YAML, such as a pipelines' own.
			if strings.Contains(string(text), "\nResources:\n") {
				all = append(all, path)
			}
		}
	}
	if len(all) < 20 {
		t.Fatalf("only %d templates", len(all))
	}
	var both sync.WaitGroup
	for _, half := range [][]string{all[:len(all)/2], all[len(all)/2:]} {
		both.Go(func() {
			if said, err := validate(t, half...); err != nil {
				t.Errorf("sam validate --lint: %v\n%s", err, said)
			}
		})
	}
	both.Wait()
}

func TestSamValidateLintPlanted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, planted := range map[string]struct{ text, want string }{
		"unknown_property": {"Resources:\n  Q: {Type: AWS::SQS::Queue, Properties: {Visibility: 1}}\n", "'Visibility' was unexpected"},
		"no_sam_property":  {"Transform: AWS::Serverless-2016-10-31\nResources:\n  F: {Type: AWS::Serverless::Function, Properties: {CodeUri: x, Handler: h}}\n", "Runtime"},
		"no_template":      {"Resources: [\n", "Failed to parse"},
	} {
		file := filepath.Join(dir, name+".yaml")
		if err := os.WriteFile(file, []byte(planted.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if said, err := validate(t, file); err == nil || !strings.Contains(said, planted.want) {
			t.Errorf("%s: %v, want %q in\n%s", name, err, planted.want, said)
		}
	}
}
