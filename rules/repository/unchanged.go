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

// Passed is the result of a slow check by another program, stored by its input.
type Passed struct {
	Known bool
	mark  string // the file that records the result and the program's output
}

// Unchanged looks up a check by everything that it reads: its flags, its files, and the
// file that pins the program. With this, `make check` takes seconds. `make test` sets
// GATEHOUSE_NO_CACHE and repeats every check.
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
	p.Known = err == nil && os.Getenv("GATEHOUSE_NO_CACHE") == ""
	return p
}

// Answer returns the program's output when the check passed.
func (p Passed) Answer(t *testing.T) []byte {
	t.Helper()
	return []byte(Read(t, p.mark))
}

// Remember records that the check has passed, with the output that will be needed.
func (p Passed) Remember(t *testing.T, answer []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(p.mark), 0o750); err != nil {
		t.Fatalf("os.MkdirAll: %v", err)
	}
	// Tests run in parallel and may write the same file, so it is written atomically.
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
