package builder

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// inCode returns the event types that a service's Go files name, except in tests and
// test helpers.
func inCode(dir string, words map[string]word) ([]eventUse, error) {
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
		found, err := inFile(path, words)
		uses = append(uses, found...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("filepath.WalkDir: %w", err)
	}
	return uses, nil
}

// inFile returns the event types that a file names through package contracts.
func inFile(path string, words map[string]word) ([]eventUse, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("parser.ParseFile: %w", err)
	}
	local := localName(file)
	if local == "" {
		return nil, nil
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
			where := fmt.Sprintf("%s:%d", path, set.Position(n.Pos()).Line)
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

// contracts is the import path of the package that names the event types.
const contracts = "gatehouse.example/contracts"

var eventType = regexp.MustCompile(`^gatehouse\.[a-z.]+\.v[0-9]+$`)

// word is the meaning of one exported name of package contracts.
type word struct {
	// types of events, sorted.
	types []string
	// makes is true for functions that return an event: their callers publish it.
	makes bool
	// looks is true for functions that take an event: their callers read it.
	looks bool
	// data is true for the struct of an event's data.
	data bool
}

// vocabulary maps the exported names of package contracts to event types. It reads
// them from the package's source: the values of constants, the constants that a
// function uses, and for a struct those of the functions that have it as a parameter.
func vocabulary(dir string) (map[string]word, error) {
	files, err := parseDir(dir)
	if err != nil {
		return nil, err
	}
	values, uses, takes, makes := map[string]string{}, map[string][]string{}, map[string][]string{}, map[string]bool{}
	for _, file := range files {
		for _, decl := range file.Decls {
			switch decl := decl.(type) {
			case *ast.GenDecl:
				maps.Copy(values, constants(decl))
			case *ast.FuncDecl:
				if decl.Recv == nil && decl.Body != nil {
					uses[decl.Name.Name] = identifiers(decl.Body)
					takes[decl.Name.Name] = identifiers(decl.Type.Params)
					makes[decl.Name.Name] = decl.Type.Results != nil && slices.Contains(identifiers(decl.Type.Results), "Event")
				}
			}
		}
	}
	out := map[string]word{}
	for name, value := range values {
		out[name] = word{types: []string{value}}
	}
	for name := range uses {
		types := typesOf(name, values, uses, map[string]bool{})
		if len(types) == 0 || !ast.IsExported(name) {
			continue
		}
		if slices.Contains(takes[name], "Event") {
			out[name] = word{types: types, looks: true}
			continue
		}
		if !makes[name] {
			continue // a list of the types: who serves their schemas neither publishes nor reads them
		}
		out[name] = word{types: types, makes: true}
		for _, taken := range takes[name] {
			if _, isFunc := uses[taken]; !isFunc && ast.IsExported(taken) && len(types) == 1 {
				out[taken] = word{data: true, types: slices.Compact(slices.Sorted(slices.Values(append(out[taken].types, types...))))}
			}
		}
	}
	// The parameter of every constructor is the act, not the data of a type.
	maps.DeleteFunc(out, func(_ string, w word) bool { return !w.makes && !w.looks && len(w.types) > 1 })
	if len(out) == 0 {
		return nil, fmt.Errorf("%s names no event type; were they moved?", dir)
	}
	return out, nil
}

// typesOf returns the types that a function uses, directly or through its callees.
func typesOf(name string, values map[string]string, uses map[string][]string, seen map[string]bool) []string {
	if seen[name] {
		return nil
	}
	seen[name] = true
	var types []string
	for _, used := range uses[name] {
		if value, ok := values[used]; ok {
			types = append(types, value)
		}
		types = append(types, typesOf(used, values, uses, seen)...)
	}
	slices.Sort(types)
	return slices.Compact(types)
}

// constants returns the constants of a declaration whose values are event types.
func constants(decl *ast.GenDecl) map[string]string {
	out := map[string]string{}
	for _, spec := range decl.Specs {
		spec, ok := spec.(*ast.ValueSpec)
		if !ok || decl.Tok != token.CONST {
			continue
		}
		for i, value := range spec.Values {
			literal, ok := value.(*ast.BasicLit)
			if !ok {
				continue
			}
			if text, err := strconv.Unquote(literal.Value); err == nil && eventType.MatchString(text) {
				out[spec.Names[i].Name] = text
			}
		}
	}
	return out
}

func identifiers(node ast.Node) []string {
	var names []string
	ast.Inspect(node, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok {
			names = append(names, id.Name)
		}
		return true
	})
	return names
}

func parseDir(dir string) ([]*ast.File, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("filepath.Glob: %w", err)
	}
	var files []*ast.File
	for _, path := range paths {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("parser.ParseFile: %w", err)
		}
		files = append(files, file)
	}
	return files, nil
}
