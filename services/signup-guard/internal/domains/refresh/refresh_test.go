package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/services/signup-guard/internal/domains"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		names, old []string
		want       string
	}{
		"good":             {[]string{"a.example", "b.example"}, []string{"a.example"}, ""},
		"provider":         {[]string{"gmail.com"}, nil, "refuse gmail.com"},
		"parent_of_relay":  {[]string{"appleid.com"}, nil, "refuse privaterelay.appleid.com"},
		"public_suffix":    {[]string{"co.uk"}, nil, "refuse co.uk"},
		"whole_tld":        {[]string{"com"}, nil, "only one label"},
		"upper_case":       {[]string{"A.example"}, nil, "not a well-formed domain"},
		"markup":           {[]string{"<a.html>"}, nil, "not a well-formed domain"},
		"most_of_it_gone":  {[]string{"a.example"}, []string{"a.example", "b.example", "c.example"}, "only 1 names"},
		"empty_list_fails": {nil, []string{"a.example"}, "only 0 names"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			err := check(c.names, c.old, []string{"gmail.com", "privaterelay.appleid.com", "co.uk"})
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("check: %v, want %q", err, c.want)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	t.Parallel()
	if d := cmp.Diff([]string{"b", "d"}, diff([]string{"a", "c"}, []string{"a", "b", "d"})); d != "" {
		t.Error(d)
	}
}

// TestRun writes the files from a wheel, and leaves them alone when the list is
// refused.
func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "protected.txt"), []byte("# big\ngmail.com\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	names := append(domains.Disposable().Names(), "brand-new-throwaway.example")
	var out strings.Builder
	if err := run(context.Background(), &out, dir, "", wheel(t, names), false); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(out.String(), "1 added, 0 removed") || !strings.Contains(out.String(), "+ brand-new-throwaway.example") {
		t.Errorf("report: %s", out.String())
	}
	for file, want := range map[string]string{
		"domains.txt": "\nbrand-new-throwaway.example\n", "SOURCE": "version: 9.9.9\ndate: 2026-11-20\n",
		"date.go": `const date = "2026-11-20"`,
	} {
		if got := contents(t, dir, file); got == "" || !strings.Contains(got, want) {
			t.Errorf("%s does not hold %q", file, want)
		}
	}
	before := contents(t, dir, "domains.txt")
	for _, name := range []string{"gmail.com", "mozmail.com"} {
		if err := run(context.Background(), &out, dir, "", wheel(t, append(names, name)), false); err == nil {
			t.Errorf("a list with %s was taken", name)
		}
	}
	if contents(t, dir, "domains.txt") != before {
		t.Error("a refused list was written")
	}
}

func wheel(t *testing.T, names []string) string {
	t.Helper()
	var raw bytes.Buffer
	w := zip.NewWriter(&raw)
	f, err := w.CreateHeader(&zip.FileHeader{
		Name: "disposable_email_domains/__init__.py", Modified: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprint(f, "blocklist = {\n")
	for _, name := range names {
		_, _ = fmt.Fprintf(f, "    '%s',\n", name)
	}
	_, _ = fmt.Fprint(f, "}\n\nallowlist: set[str] = set()\n")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "disposable_email_domains-9.9.9-py3-none-any.whl")
	if err := os.WriteFile(path, raw.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func contents(t *testing.T, dir, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
