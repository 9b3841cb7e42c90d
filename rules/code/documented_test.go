package code

import (
	"fmt"
	"go/ast"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// undocumented finds the exported identifiers without a comment. Constants and
// variables of a group may share one, which names them or belongs to the group.
func undocumented(all []source) []string {
	var out []string
	for _, s := range all {
		if strings.HasSuffix(s.path, "_test.go") || strings.Contains(s.path, "/testdata/") {
			continue
		}
		for _, d := range s.file.Decls {
			for _, name := range withoutDoc(d) {
				out = append(out, fmt.Sprintf("%s: %s is exported and has no comment", s.position(d), name))
			}
		}
	}
	return out
}

// withoutDoc returns the exported identifiers of a declaration that have no comment.
func withoutDoc(d ast.Decl) []string {
	var out []string
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			out = append(out, d.Name.Name)
		}
	case *ast.GenDecl:
		above := ""
		for _, spec := range d.Specs {
			var names []*ast.Ident
			doc := d.Doc
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				names = []*ast.Ident{spec.Name}
				if spec.Doc != nil {
					doc = spec.Doc
				}
			case *ast.ValueSpec:
				names = spec.Names
				for _, own := range []*ast.CommentGroup{spec.Comment, spec.Doc} {
					if own != nil {
						doc, above = own, own.Text()
					}
				}
			}
			for _, name := range names {
				if name.IsExported() && doc == nil && !slices.Contains(strings.Fields(above), name.Name) {
					out = append(out, name.Name)
				}
			}
		}
	}
	return out
}

// exportedReceiver reports whether a function has no receiver, or one of an exported type.
func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	receiver := f.Recv.List[0].Type
	if pointer, ok := receiver.(*ast.StarExpr); ok {
		receiver = pointer.X
	}
	if generic, ok := receiver.(*ast.IndexExpr); ok {
		receiver = generic.X
	}
	name, ok := receiver.(*ast.Ident)
	return ok && name.IsExported()
}

func TestExportedIsDocumented(t *testing.T) {
	t.Parallel()
	repository.Report(t, undocumented(sources(t)))
}

func TestExportedIsDocumentedPlanted(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code string
		want string // the name that is found
	}{
		"all_documented":     {"// F is.\nfunc F() {}\n\n// T is.\ntype T int\n\n// M is.\nfunc (t T) M() {}\n\n// Errors.\nvar (\n\tA = 1\n\tB = 2\n)\n\nconst C = 1 // C is\n", ""},
		"unexported":         {"func f() {}\n\ntype t int\n\nfunc (t) M() {}\n\nvar a = 1\n", ""},
		"function":           {"func F() {}\n", "F"},
		"method":             {"// T is.\ntype T int\n\nfunc (t *T) M() {}\n", "M"},
		"generic_method":     {"// T is.\ntype T[A any] struct{}\n\nfunc (t *T[A]) M() {}\n", "M"},
		"type":               {"type T int\n", "T"},
		"constant":           {"const C = 1\n", "C"},
		"one_of_a_group":     {"var (\n\t// A is.\n\tA = 1\n\tB = 2\n)\n", "B"},
		"named_by_the_first": {"const (\n\t// A and B are.\n\tA = 1\n\tB = 2\n)\n", ""},
		"detached_comment":   {"// F is.\n\nfunc F() {}\n", "F"},
		"second_of_a_value":  {"var a, B = 1, 2\n", "B"},
	} {
		s, err := parseGo("a/a.go", "package a\n\n"+tc.code)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(undocumented([]source{s}), "\n")
		if tc.want == "" && got != "" || tc.want != "" && !strings.HasSuffix(got, ": "+tc.want+" is exported and has no comment") {
			t.Errorf("%s: findings %q, want one on %q", name, got, tc.want)
		}
	}
}
