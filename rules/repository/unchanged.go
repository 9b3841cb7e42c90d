package repository

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Passed is a slow check by another program, and whether it has passed over
// exactly these bytes before.
type Passed struct {
	Known bool
	mark  string // the file that says so, and holds what the program answered
}

// Unchanged looks a check up by the contents of all that it reads: its flags, its
// files, and whatever pins the program. `make check` relies on it and takes seconds;
// `make test` sets GATEHOUSE_FRESH and runs every check anew.
func Unchanged(t *testing.T, check string, flags []string, files ...string) Passed {
	t.Helper()
	sum := sha256.New()
	for _, flag := range flags {
		_, _ = fmt.Fprintf(sum, "%d:%s\n", len(flag), flag)
	}
	for _, file := range files {
		text := Read(t, file)
		_, _ = fmt.Fprintf(sum, "%s %d:%s\n", Short(file), len(text), text)
	}
	p := Passed{mark: filepath.Join(Root, ".local", "passed", check+"-"+hex.EncodeToString(sum.Sum(nil)[:16]))}
	_, err := os.Stat(p.mark)
	p.Known = err == nil && os.Getenv("GATEHOUSE_FRESH") == ""
	return p
}

// Answer is what the program answered when the check passed.
func (p Passed) Answer(t *testing.T) []byte {
	t.Helper()
	return []byte(Read(t, p.mark))
}

// Remember is called when the check has passed, with what is needed of its answer.
func (p Passed) Remember(t *testing.T, answer []byte) {
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
