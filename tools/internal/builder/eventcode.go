package builder

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strings"
)

// inCode returns the event types that a service's Go files name, except in tests and
// test helpers.
func inCode(root, dir string, words map[string]word) ([]eventUse, error) {
	var uses []eventUse
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasSuffix(d.Name(), "test"):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go"):
			return nil
		}
		found, err := inFile(root, path, words)
		uses = append(uses, found...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("filepath.WalkDir: %w", err)
	}
	return uses, nil
}

// inFile returns the event types that a file names through package contracts.
func inFile(root, path string, words map[string]word) ([]eventUse, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parser.ParseFile: %w", err)
	}
	local := localName(file)
	if local == "" {
		return nil, nil
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return nil, fmt.Errorf("filepath.Rel: %w", err)
	}
	var uses []eventUse
	ast.Inspect(file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := selector.X.(*ast.Ident); !ok || x.Name != local {
			return true
		}
		w := words[selector.Sel.Name]
		for _, typ := range w.types {
			where := fmt.Sprintf("%s:%d", filepath.ToSlash(rel), set.Position(n.Pos()).Line)
			uses = append(uses, eventUse{typ: typ, publishes: w.makes, where: where, data: w.data})
		}
		return true
	})
	return uses, nil
}

// localName returns the name of package contracts in the file, or an empty string if
// the file does not import it.
func localName(file *ast.File) string {
	for _, spec := range file.Imports {
		if spec.Path.Value != `"`+contracts+`"` {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return "contracts"
	}
	return ""
}
