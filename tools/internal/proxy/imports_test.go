package proxy

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// self is the import path of this package.
const self = "gatehouse.example/tools/internal/proxy"

// shared are the packages that the others below this one may import.
func shared() []string { return []string{"upstream", "upstreamtest"} }

// siblingImports lists the imports that tie one package below the root to another, or
// to the router.
func siblingImports(t *testing.T, files fs.FS) []string {
	t.Helper()
	var found []string
	err := fs.WalkDir(files, ".", func(name string, entry fs.DirEntry, err error) error {
		pkg := path.Dir(name)
		if err != nil || entry.IsDir() || pkg == "." || path.Ext(name) != ".go" {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if imported != self && !strings.HasPrefix(imported, self+"/") {
				continue
			}
			if to := strings.TrimPrefix(strings.TrimPrefix(imported, self), "/"); to != pkg && !slices.Contains(shared(), to) {
				found = append(found, name+" imports "+imported)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// One package closes one gap. It can be deleted only if no other needs it.
func TestGapsDoNotImportEachOther(t *testing.T) {
	t.Parallel()
	for _, found := range siblingImports(t, os.DirFS(".")) {
		t.Errorf("%s; share it in %s/upstream, or connect the two in newHandler", found, self)
	}
}

func TestSiblingImportsAreFound(t *testing.T) {
	t.Parallel()
	file := func(imported string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte("package p\n\nimport \"" + imported + "\"\n")}
	}
	got := siblingImports(t, fstest.MapFS{
		"proxy.go":            file(self + "/triggers"),
		"triggers/a.go":       file(self + "/upstream"),
		"triggers/a_test.go":  file(self + "/upstreamtest"),
		"hostedpages/b.go":    file(self + "/triggers"),
		"logkeys/c_test.go":   file(self),
		"upstream/d.go":       file(self + "/logkeys"),
		"telemetry/e.go":      file("gatehouse.example/tools/internal/supervisor"),
		"telemetry/README.md": {Data: []byte("not Go")},
	})
	want := []string{
		"hostedpages/b.go imports " + self + "/triggers",
		"logkeys/c_test.go imports " + self,
		"upstream/d.go imports " + self + "/logkeys",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("imports (-want +got):\n%s", diff)
	}
}
