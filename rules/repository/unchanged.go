package rules_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// passed is a slow check by another program, and whether it has passed over
// exactly these bytes before.
type passed struct {
	known bool
	mark  string // the file that says so, and holds what the program answered
}

// unchanged looks a check up by the contents of all that it reads: its flags, its
// files, and whatever pins the program. `make check` relies on it and takes seconds;
// `make test` sets GATEHOUSE_FRESH and runs every check anew.
func unchanged(t *testing.T, check string, flags []string, files ...string) passed {
	t.Helper()
	sum := sha256.New()
	for _, flag := range flags {
		_, _ = fmt.Fprintf(sum, "%d:%s\n", len(flag), flag)
	}
	for _, file := range files {
		text := read(t, file)
		_, _ = fmt.Fprintf(sum, "%s %d:%s\n", filepath.ToSlash(file), len(text), text)
	}
	p := passed{mark: filepath.Join(root, ".local", "passed", check+"-"+hex.EncodeToString(sum.Sum(nil)[:16]))}
	_, err := os.Stat(p.mark)
	p.known = err == nil && os.Getenv("GATEHOUSE_FRESH") == ""
	return p
}

// remember is called when the check has passed, with what is needed of its answer.
func (p passed) remember(t *testing.T, answer []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.mark), 0o750); err != nil {
		t.Fatalf("os.MkdirAll: %v", err)
	}
	// Tests run side by side and may find the same: nobody reads half an answer.
	part, err := os.CreateTemp(filepath.Dir(p.mark), "part-*")
	if err != nil {
		t.Fatalf("os.CreateTemp: %v", err)
	}
	if _, err := part.Write(answer); err != nil {
		t.Fatalf("os.File.Write: %v", err)
	}
	if err := errors.Join(part.Close(), os.Rename(part.Name(), p.mark)); err != nil {
		t.Fatalf("os.Rename: %v", err)
	}
}

func TestUnchangedKnowsTheContents(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.yaml")
	put := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("one")
	first := unchanged(t, "test", []string{"-a"}, file)
	first.remember(t, []byte("answer"))
	t.Cleanup(func() { _ = os.Remove(first.mark) })
	if same := unchanged(t, "test", []string{"-a"}, file); same.known == (os.Getenv("GATEHOUSE_FRESH") != "") {
		t.Errorf("the same contents: known is %v", same.known)
	}
	if read(t, first.mark) != "answer" {
		t.Error("the answer is not kept")
	}
	if unchanged(t, "test", []string{"-b"}, file).known {
		t.Error("other flags are taken for the same")
	}
	put("two")
	if unchanged(t, "test", []string{"-a"}, file).known {
		t.Error("another text is taken for the same")
	}
}
