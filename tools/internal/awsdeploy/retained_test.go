package awsdeploy

import (
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRetained(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		template string
		want     map[string]string
	}{
		"yaml":  {"Resources:\n  A: {Type: T, DeletionPolicy: Retain, Properties: {X: !Sub '${Y}'}}\n  B: {Type: U}\n", map[string]string{"A": "T"}},
		"json":  {`{"Resources": {"A": {"Type": "T", "DeletionPolicy": "RetainExceptOnCreate"}, "B": {"Type": "U", "DeletionPolicy": "Delete"}}}`, map[string]string{"A": "T"}},
		"empty": {"Resources: {}", map[string]string{}},
		"if":    {"Resources:\n  A: {Type: T, DeletionPolicy: !If [X, Retain, Delete]}\n", map[string]string{}},
	} {
		got, err := retained([]byte(tc.template))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if _, err := retained([]byte("[")); err == nil {
		t.Error("no error for an invalid template")
	}
}

func FuzzRetained(f *testing.F) {
	f.Add([]byte("Resources: {A: {DeletionPolicy: Retain}}"))
	f.Fuzz(func(_ *testing.T, text []byte) {
		_, _ = retained(text) // must not panic
	})
}

// retainedInFolder reads a stack's template and the templates that it nests.
func retainedInFolder(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := retained(text)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		maps.Copy(all, kept)
	}
	return all
}
