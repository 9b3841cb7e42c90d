package main

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"gatehouse.example/rules/repository"
)

// Tests in tools/ read the services' templates. The folder of the root module contains
// all other modules, so Go's test cache checks the files that its tests read.
func TestReadersOutside(t *testing.T) {
	t.Parallel()
	found, err := ReadersOutside(repository.Root)
	if err != nil {
		t.Fatalf("ReadersOutside: %v", err)
	}
	for _, want := range []string{"tools/internal/release", "tools/stacks"} {
		if !slices.Contains(found, want) {
			t.Errorf("%s is not among %v", want, found)
		}
	}
	for _, unwanted := range []string{"rules/templates", "e2e/integration", "services/signup-guard/internal/presignup"} {
		if slices.Contains(found, unwanted) {
			t.Errorf("%s reads files of its own module only", unwanted)
		}
	}
}

func TestReadersOutsidePlanted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want bool
	}{
		"nothing":         {`const a = "x"`, false},
		"own_payload":     {`const a = "../../events/a.json"`, false},
		"another_module":  {`const a = "../../../contracts/types.go"`, true},
		"the_root":        {"const a = `../../..`", true},
		"joined":          {`var a = filepath.Join("..", "..", "..", "rules")`, true},
		"joined_inside":   {`var a = filepath.Join("..", "events", name)`, false},
		"finds_the_root":  {`var a, _ = layout.FindRoot(".")`, true},
		"a_name_like_one": {`const a = "..."`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for path, text := range map[string]string{
				"services/a/go.mod":               "module gatehouse.example/services/a\n",
				"services/a/internal/b/b_test.go": "package b\n\n" + tc.body + "\n",
			} {
				path = filepath.Join(dir, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			found, err := ReadersOutside(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Contains(found, "services/a/internal/b"); got != tc.want {
				t.Errorf("found %v, want the package: %v", found, tc.want)
			}
		})
	}
}
