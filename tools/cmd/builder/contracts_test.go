package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReleaseSchemas(t *testing.T) {
	t.Parallel()
	const before, more, broken = `{"properties":{"id":{"type":"string"}}}`, `{"properties":{"id":{"type":"string"},"at":{"type":"string"}}}`, `{"properties":{}}`
	for name, tc := range map[string]struct{ now, released, err string }{
		"new_field": {more, more, ""},
		"broken":    {broken, before, "a.v1 breaks its readers: event: field id was removed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for path, text := range map[string]string{"a.v1.json": tc.now, "b.v1.json": more, "released/a.v1.json": before} {
				path = filepath.Join(dir, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			err := releaseSchemas(dir)
			if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
				t.Fatalf("got %v, want %q", err, tc.err)
			}
			got, err := os.ReadFile(filepath.Join(dir, "released", "a.v1.json"))
			if err != nil || string(got) != tc.released {
				t.Errorf("released %s, %v, want %s", got, err, tc.released)
			}
			if _, err := os.Stat(filepath.Join(dir, "released", "b.v1.json")); (err == nil) != (tc.err == "") {
				t.Errorf("the new type: %v", err)
			}
		})
	}
}
