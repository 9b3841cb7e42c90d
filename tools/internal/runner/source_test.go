package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// clone makes a repository with one commit, and changes it afterwards.
func clone(t *testing.T) Repository {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	git("init", "-q")
	write(".gitignore", "secret\n")
	write("kept", "old")
	write("gone", "old")
	git("add", ".")
	git("commit", "-q", "-m", "first")
	write("kept", "new")
	write("added", "new")
	write("secret", "x")
	if err := os.Remove(filepath.Join(dir, "gone")); err != nil {
		t.Fatal(err)
	}
	return Repository{Dir: dir}
}

func TestWorkingTree(t *testing.T) {
	t.Parallel()
	r, err := clone(t).revision(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"kept": "new", "added": "new"} {
		if got, err := fileIn(r.zip, name); string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	for _, name := range []string{"gone", "secret", ".git/HEAD"} {
		if _, err := fileIn(r.zip, name); err == nil {
			t.Errorf("%s is in the zip", name)
		}
	}
	if len(r.outputs["CommitId"]) != 40 || r.outputs["CommitMessage"] != "first" || !strings.HasSuffix(r.note, "and 3 changes of the working tree") {
		t.Errorf("got %v, %q", r.outputs, r.note)
	}
}

func TestCommit(t *testing.T) {
	t.Parallel()
	c := clone(t)
	r, err := c.revision(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"kept", "gone"} {
		if got, err := fileIn(r.zip, name); string(got) != "old" {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if _, err := fileIn(r.zip, "added"); err == nil {
		t.Error("a file that is not in the commit is in the zip")
	}
	if _, err := c.revision(t.Context(), "nothing"); err == nil || !strings.Contains(err.Error(), "nothing is not a commit") {
		t.Errorf("got %v", err)
	}
}

func TestChanged(t *testing.T) {
	t.Parallel()
	got, err := clone(t).Changed(t.Context(), "HEAD")
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"added", "gone", "kept"}, got); diff != "" {
		t.Errorf("changed (-want +got):\n%s", diff)
	}
}
