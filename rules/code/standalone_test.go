package code

import (
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// ours finds what a file of an example names of this repository: its modules, and paths
// that leave the folder. The module's own name is the copier's to change.
func ours(module, text string) []string {
	text = strings.ReplaceAll(text, "module "+module+"\n", "")
	return regexp.MustCompile(`gatehouse\.example/(?:contracts|lambdakit|services|tools|examples)\S*|\.\./\.\./\S*|\]\(\.\./\S*`).FindAllString(text, -1)
}

// TestExamplesStandAlone copies each example out of the repository, where neither go.work
// nor a sibling is found, and runs its tests there. The modules come from the cache.
func TestExamplesStandAlone(t *testing.T) {
	t.Parallel()
	dirs, err := filepath.Glob(filepath.Join(repository.Root, "examples", "*"))
	if err != nil || len(dirs) < 2 {
		t.Fatalf("%d examples: %v", len(dirs), err)
	}
	for _, dir := range dirs {
		t.Run(path.Base(dir), func(t *testing.T) {
			t.Parallel()
			out := t.TempDir()
			if err := os.CopyFS(out, os.DirFS(dir)); err != nil {
				t.Fatal(err)
			}
			command := []string{"python3", "-B", "-m", "unittest", "discover", "-s", "tests"}
			module := ""
			if mod, err := os.ReadFile(filepath.Join(out, "go.mod")); err == nil {
				command = []string{"go", "test", "./..."}
				module, _, _ = strings.Cut(strings.TrimPrefix(string(mod), "module "), "\n")
			}
			for _, file := range repository.Files(t, ".go", ".mod", ".md", ".yaml", ".toml", ".py") {
				if inside(dir, file) {
					for _, name := range ours(module, repository.Read(t, file)) {
						// A test reads the payloads of its own folder.
						if name != `../../events/"` {
							t.Errorf("%s: names %s, which is not there in a copy", repository.Short(file), name)
						}
					}
				}
			}
			cmd := exec.CommandContext(t.Context(), command[0], command[1:]...)
			cmd.Dir = out
			cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GOFLAGS=") }),
				"GOWORK=off", "GOFLAGS=-mod=readonly", "GOPROXY=off", "PWD="+out)
			if raw, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v\n%s", strings.Join(command, " "), err, raw)
			}
		})
	}
}

func TestExamplesStandAlonePlanted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		"module gatehouse.example/examples/a\n":                                  0,
		"replace gatehouse.example/contracts => ../../contracts\n":               2,
		"import \"gatehouse.example/lambdakit/consume\"\n":                       1,
		"[the schemas](../../contracts/schemas/open) and [more](../b/README.md)": 2,
		"https://gatehouse.example/schemas/x.json":                               0,
	} {
		if got := ours("gatehouse.example/examples/a", text); len(got) != want {
			t.Errorf("%q: found %q, want %d", text, got, want)
		}
	}
}
