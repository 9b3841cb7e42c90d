package code

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// readersOutside lists the packages, as folders below root, whose tests read files
// of other modules. Go's test cache checks only files in the folder of the test's own
// module, so it would return outdated results for these packages.
func readersOutside(root string) ([]string, error) {
	var out []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && strings.HasPrefix(d.Name(), "."), d.IsDir() && d.Name() == "testdata":
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, "_test.go"):
			return nil
		}
		module := moduleOf(path)
		if module == filepath.Clean(root) { // it contains every other module
			return nil
		}
		outside, err := readsOutside(module, path)
		if rel, err := filepath.Rel(root, filepath.Dir(path)); err == nil && outside && !slices.Contains(out, filepath.ToSlash(rel)) {
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("filepath.WalkDir: %w", err)
	}
	return out, nil
}

// moduleOf returns the folder of the module that a file belongs to.
func moduleOf(file string) string {
	dir := filepath.Dir(file)
	for dir != filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		dir = filepath.Dir(dir)
	}
	return dir
}

func inside(dir, path string) bool {
	rel, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(rel)
}

// readsOutside looks for a path that leaves the module, and for calls that find the
// root of the repository.
func readsOutside(module, file string) (bool, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		return false, fmt.Errorf("parser.ParseFile: %w", err)
	}
	found := false
	ast.Inspect(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.ImportSpec:
			return false
		case *ast.SelectorExpr:
			found = found || n.Sel.Name == "FindRoot"
		case *ast.CallExpr: // filepath.Join("..", "..")
			found = found || leaves(module, file, joined(n.Args...))
		case *ast.BasicLit:
			found = found || leaves(module, file, joined(n))
		}
		return !found
	})
	return found, nil
}

func leaves(module, file, path string) bool {
	return (path == ".." || strings.HasPrefix(path, "../")) && !inside(module, filepath.Join(filepath.Dir(file), filepath.FromSlash(path)))
}

// joined joins the leading literals as a path.
func joined(of ...ast.Expr) string {
	var parts []string
	for _, e := range of {
		literal, ok := e.(*ast.BasicLit)
		if !ok || literal.Kind != token.STRING {
			break
		}
		if text, err := strconv.Unquote(literal.Value); err == nil {
			parts = append(parts, text)
		}
	}
	return strings.Join(parts, "/")
}

// The folder of the root module contains all other modules, so Go's test cache checks
// the files that its tests read.
func TestUncachedPackagesAreListed(t *testing.T) {
	t.Parallel()
	found, err := readersOutside(repository.Root)
	if err != nil {
		t.Fatalf("readersOutside: %v", err)
	}
	_, list, _ := strings.Cut(repository.Read(t, filepath.Join(repository.Root, "Makefile")), "\nUNCACHED :=")
	list = strings.ReplaceAll(list, "\\\n", " ")
	list, _, _ = strings.Cut(list, "\n")
	listed := strings.Fields(list)
	slices.Sort(found)
	slices.Sort(listed)
	if !slices.Equal(listed, found) {
		t.Errorf("UNCACHED in the Makefile is\n%s\nwant\n%s", strings.Join(listed, " "), strings.Join(found, " "))
	}
}

func TestReadersOutsidePlanted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		body string
		want bool
	}{
		"nothing":         {`const a = "x"`, false},
		"own_payload":     {`const a = "../../events/a.json"`, false},
		"another_module":  {`const a = "../../../contracts/types.go"`, true},
		"the_root":        {"const a = `../../..`", true},
		"joined":          {`var a = filepath.Join("..", "..", "..", "rules")`, true},
		"joined_inside":   {`var a = filepath.Join("..", "events", name)`, false},
		"finds_the_root":  {`var a, _ = layout.FindRoot(".")`, true},
		"a_name_like_one": {`const a = "..."`, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for path, text := range map[string]string{
				"services/a/go.mod":               "module gatehouse.example/services/a\n",
				"services/a/internal/b/b_test.go": "package b\n\n" + tc.body + "\n",
			} {
				path = filepath.Join(dir, path)
				if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			found, err := readersOutside(dir)
			if err != nil {
				t.Fatal(err)
			}
			if got := slices.Contains(found, "services/a/internal/b"); got != tc.want {
				t.Errorf("found %v, want the package: %v", found, tc.want)
			}
		})
	}
}
