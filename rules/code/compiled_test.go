package code

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// maxFile is far larger than hand-written files, and smaller than compiled programs.
const maxFile = 1 << 20

// programs finds compiled files, which every clone would contain forever.
func programs(path string, size int64, head string) []string {
	var out []string
	for _, magic := range []string{"\x7fELF", "MZ", "\xcf\xfa\xed\xfe"} {
		if strings.HasPrefix(head, magic) {
			out = append(out, path+": a compiled program; delete it: `make build` writes to bin/")
		}
	}
	if size > maxFile {
		out = append(out, path+": larger than 1 MiB; keep the source that it is made from")
	}
	return out
}

func TestNoCompiledFiles(t *testing.T) {
	t.Parallel()
	var findings []string
	for _, path := range repository.Files(t) {
		if ext := filepath.Ext(path); ext == ".test" || ext == ".prof" {
			continue // git ignores them
		}
		findings = append(findings, programs(repository.Short(path), size(t, path), head(t, path))...)
	}
	repository.Report(t, findings)
}

func TestNoCompiledFilesPlanted(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		size int64
		head string
		want int
	}{
		"text":    {100, "package a\n", 0},
		"linux":   {100, "\x7fELF\x02", 1},
		"mac":     {100, "\xcf\xfa\xed\xfe", 1},
		"windows": {100, "MZ\x90", 1},
		"large":   {maxFile + 1, "text", 1},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := programs("a", tc.size, tc.head); len(got) != tc.want {
				t.Errorf("findings %q, want %d", got, tc.want)
			}
		})
	}
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatalf("os.Stat: %v", err)
	}
	return info.Size()
}

func head(t *testing.T, path string) string {
	t.Helper()
	text := repository.Read(t, path)
	return text[:min(len(text), 16)]
}
