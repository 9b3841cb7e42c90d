package pipelines

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// clone is a new repository with the files of this one's working tree.
type clone struct{ dir string }

// copied makes a clone whose build only compiles and packages, and whose canary has a
// short timeout.
func (s *system) copied(t *testing.T) clone {
	t.Helper()
	c := s.whole(t)
	c.edit(t, "pipeline/buildspec.yml", `make verify SERVICE="$SERVICE"`, "true")
	text := c.read(t, "pipeline/buildspec.yml")
	from, to := strings.Index(text, "\nreports:"), strings.Index(text, "\nartifacts:")
	if from < 0 || to < from {
		t.Fatal("pipeline/buildspec.yml has no reports before its artifacts")
	}
	c.write(t, "pipeline/buildspec.yml", text[:from]+text[to:])
	// The default timeout of the canary is five minutes.
	c.edit(t, "pipeline/testspec.yml", "\n    GOTOOLCHAIN:", "\n    TIMEOUT: 60s\n    GOTOOLCHAIN:")
	c.commit(t, "build without tests, and wait shortly")
	return c
}

// whole makes a clone without edits.
func (s *system) whole(t *testing.T) clone {
	t.Helper()
	c := clone{t.TempDir()}
	command(t, s.root, "bash", "-c", `git ls-files -z --cached --others --exclude-standard --deduplicate | while IFS= read -r -d '' f; do [ -f "$f" ] && printf '%s\0' "$f"; done | xargs -0 cp --parents -p -t "$1"`, "bash", c.dir)
	command(t, c.dir, "git", "init", "-q", "-b", "main")
	c.commit(t, "the repository")
	return c
}

func (c clone) commit(t *testing.T, message string) {
	t.Helper()
	command(t, c.dir, "git", "add", "-A")
	command(t, c.dir, "git", "-c", "user.name=test", "-c", "user.email=test@example.org", "commit", "-q", "-m", message)
}

func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func (c clone) read(t *testing.T, name string) string {
	t.Helper()
	return string(must(os.ReadFile(filepath.Join(c.dir, name)))(t))
}

func (c clone) write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// edit replaces text that must be in the file.
func (c clone) edit(t *testing.T, name, old, text string) {
	t.Helper()
	was := c.read(t, name)
	if !strings.Contains(was, old) {
		t.Fatalf("%s has no %q", name, old)
	}
	c.write(t, name, strings.ReplaceAll(was, old, text))
}

// guard changes the code of signup-guard. The function exits when it starts in the
// environment fatalIn.
func (c clone) guard(t *testing.T, message, fatalIn string) {
	t.Helper()
	c.write(t, "services/signup-guard/cmd/presignup/planted.go", `package main

import (
	"fmt"
	"os"
)

func init() {
	fmt.Fprintln(os.Stderr, "`+message+`")
	if os.Getenv("GATEHOUSE_ENVIRONMENT") == "`+fatalIn+`" {
		os.Exit(1)
	}
}
`)
	c.commit(t, message)
}
