package main

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
)

// ReadersOutside lists the packages, as folders below root, whose tests read files
// of other modules. Go's test cache checks only files in the folder of the test's own
// module, so it would return outdated results for these packages.
func ReadersOutside(root string) ([]string, error) {
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
			found = found || leaves(module, file, texts(n.Args...))
		case *ast.BasicLit:
			found = found || leaves(module, file, texts(n))
		}
		return !found
	})
	return found, nil
}

func leaves(module, file, path string) bool {
	return (path == ".." || strings.HasPrefix(path, "../")) && !inside(module, filepath.Join(filepath.Dir(file), filepath.FromSlash(path)))
}

// texts joins the leading literals as a path.
func texts(of ...ast.Expr) string {
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
