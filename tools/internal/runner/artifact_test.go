package runner

import (
	"archive/zip"
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestPackAndUnpack(t *testing.T) {
	t.Parallel()
	from, to := t.TempDir(), t.TempDir()
	when := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	path := filepath.Join(from, "bin", "tool")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("#!"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(path, when, when); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("bin/tool", filepath.Join(from, "link")); err != nil {
		t.Fatal(err)
	}
	raw, err := pack(from, []string{"link", "bin/tool"})
	if err != nil {
		t.Fatal(err)
	}
	if err := unpack(raw, to); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(to, "bin", "tool"))
	if err != nil || info.Mode().Perm() != 0o700 || !info.ModTime().Equal(when) {
		t.Errorf("got %v, %v: want the mode and the time", info, err)
	}
	if leads, err := os.Readlink(filepath.Join(to, "link")); leads != "bin/tool" {
		t.Errorf("the link leads to %q, %v", leads, err)
	}
	if text, err := fileIn(raw, "bin/tool"); string(text) != "#!" {
		t.Errorf("got %q, %v", text, err)
	}
	if _, err := fileIn(raw, "other"); err == nil {
		t.Error("a missing file was read")
	}
}

// Nothing is written outside the folder.
func TestUnpackStaysInside(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"../out", "/etc/gatehouse-out", "a/../../out"} {
		var raw bytes.Buffer
		w := zip.NewWriter(&raw)
		if _, err := w.Create(name); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "in")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := unpack(raw.Bytes(), dir); err == nil {
			t.Errorf("%s was written", name)
		}
	}
}

func TestTruncate(t *testing.T) {
	t.Parallel()
	got := []string{truncate("gatehouse-signup-guard", pipelineNameLimit), truncate("SourceZip", artifactNameLimit)}
	if diff := cmp.Diff([]string{"gatehouse-signup-gua", "SourceZip"}, got); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
}

func FuzzUnpack(f *testing.F) {
	f.Add([]byte("PK"))
	f.Fuzz(func(t *testing.T, raw []byte) { _ = unpack(raw, t.TempDir()) })
}
