// Package builds tests what takes too long for `make check` and needs no local system:
// the templates, with the tool that deploys them, and the build of one service as its
// pipeline does it. Deployments rely on it: the same sources give the same bytes in any
// folder, and a change to one function changes no other. It also runs every function as a
// process, with markers in its events, and reads the schemas with another project's
// validator.
package builds

import (
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	root    = "../.."
	service = "signin-audit" // six functions and two nested templates
)

// skipped are what git ignores, and git's own folder: CodePipeline's source has neither.
var skipped = []string{".git", ".local", "bin", "build", "__pycache__"}

// sources copies the repository, without history, into a new folder.
func sources(t *testing.T, name string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), name)
	from, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		top, _, nested := strings.Cut(rel, string(filepath.Separator))
		switch {
		case slices.Contains(skipped, top) && (d.IsDir() || !nested):
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case d.IsDir():
			return os.MkdirAll(filepath.Join(dir, rel), 0o750)
		case !d.Type().IsRegular():
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, rel), raw, 0o600)
	})
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

func run(t *testing.T, dir string, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
}

// commit makes a git repository of the folder, or adds a commit to it.
func commit(t *testing.T, dir string) {
	t.Helper()
	run(t, dir, "git", "init", "--quiet")
	run(t, dir, "git", "add", "--all")
	run(t, dir, "git", "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "--message", "a commit")
}

// architectures are Lambda's names. A build for this machine's shares the compiled
// packages of other tests; the SDK takes minutes to compile for another one.
var architectures = map[string]string{"amd64": "x86_64", "arm64": "arm64"}

// packaged runs the build and returns the artifact's files, without build.json,
// which names the commit.
func packaged(t *testing.T, dir string, to *bucket) map[string]string {
	t.Helper()
	here, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "make", "package", "SERVICE="+service, "OUT=build/artifact",
		"VENV="+filepath.Join(here, ".local", "venv"), "PIPELINE_TOOLS="+filepath.Join(here, ".local", "pipeline-tools"),
		"ARTIFACT_BUCKET=artifacts", "ARTIFACT_KEY_ARN="+keyARN, "ARCHITECTURE="+architectures[runtime.GOARCH])
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+to.URL, "AWS_ACCESS_KEY_ID=a", "AWS_SECRET_ACCESS_KEY=b", "AWS_REGION=us-east-1", "NO_PROXY=127.0.0.1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("make package: %v\n%s", err, out)
	}
	artifact := os.DirFS(filepath.Join(dir, "build", "artifact"))
	files := map[string]string{}
	err = fs.WalkDir(artifact, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path == "build.json" {
			return err
		}
		raw, err := fs.ReadFile(artifact, path)
		files[path] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func edit(t *testing.T, path, old, replacement string) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(raw), old) {
		t.Fatalf("%s: nothing to replace: %s", path, old)
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(raw), old, replacement, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// keys are the objects that the template names, in its order.
func keys(template string) []string {
	return regexp.MustCompile(`code/`+service+`/[0-9a-f]{64}(?:\.template)?`).FindAllString(template, -1)
}

func TestTheSameSourcesMakeTheSameArtifact(t *testing.T) {
	t.Parallel()
	to := newBucket(t)
	clone := sources(t, "clone")
	commit(t, clone)
	first := packaged(t, clone, to)
	want := []string{
		"checksums.txt", "config/dev.json", "config/production.json", "config/test.json", "packaged.yaml",
		"sbom/ActivityFunction.cdx.json", "sbom/FindingsFunction.cdx.json", "sbom/PostAuthenticationFunction.cdx.json",
		"sbom/PreAuthenticationFunction.cdx.json", "sbom/RecorderFunction.cdx.json", "sbom/SigninRecordsFunction.cdx.json",
	}
	if diff := cmp.Diff(want, slices.Sorted(maps.Keys(first))); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if n := to.takeUploads(); n != len(keys(first["packaged.yaml"])) || n != 8 {
		t.Errorf("%d uploads for the objects %v, want eight", n, keys(first["packaged.yaml"]))
	}
	if n := strings.Count(first["packaged.yaml"], "AutoPublishCodeSha256:"); n != 6 {
		t.Errorf("%d functions with a hash of their content, want six", n)
	}
	t.Run("another_commit_on_top", func(t *testing.T) {
		edit(t, filepath.Join(clone, "services", "signup-guard", "README.md"), "\n", "\nunrelated\n")
		commit(t, clone)
		same(t, first, packaged(t, clone, to), to)
	})
	t.Run("another_folder_without_git", func(t *testing.T) {
		same(t, first, packaged(t, sources(t, "codebuild-output-src1234567"), to), to)
	})
	t.Run("an_edit_changes_one_function", func(t *testing.T) {
		edit(t, filepath.Join(clone, "services", service, "cmd", "activity", "main.go"), "func main() {", "func main() { println(\"edited\");")
		edited := packaged(t, clone, to)
		changed := differing(strings.Split(first["checksums.txt"], "\n"), strings.Split(edited["checksums.txt"], "\n"))
		if len(changed) != 1 || !strings.Contains(changed[0], "ActivityFunction") {
			t.Errorf("changed checksums: %q", changed)
		}
		if n := to.takeUploads(); n != 1 {
			t.Errorf("%d uploads for one edited function", n)
		}
	})
}

// same wants equal artifacts, and nothing new in the bucket.
func same(t *testing.T, want, got map[string]string, to *bucket) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("artifact (-want +got):\n%s", diff)
	}
	if n := to.takeUploads(); n != 0 {
		t.Errorf("%d objects were uploaded again", n)
	}
}

// differing are the lines of b that differ from those of a.
func differing(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(b), func(line string) bool { return slices.Contains(a, line) })
}
