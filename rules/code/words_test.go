package code

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// words finds phrases in comments and strings that CONTRIBUTING's glossary replaces.
func words(s source) []string {
	var out []string
	look := func(n ast.Node, text string) {
		for _, phrase := range repository.Banned(strings.Join(strings.Fields(strings.ReplaceAll(text, "//", " ")), " ")) {
			out = append(out, fmt.Sprintf("%s: %q: see the glossary in CONTRIBUTING.md", s.position(n), phrase))
		}
	}
	for _, group := range s.file.Comments {
		look(group, group.Text())
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			look(literal, literal.Value)
		}
		return true
	})
	return out
}

func TestWords(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if !strings.HasPrefix(s.path, "rules/") { // the rules contain what they find
			repository.Report(t, words(s))
		}
	}
}

func TestWordsPlanted(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		"// F needs an error. There is no error. It is no longer one.\nfunc F() {}": 0,
		"// F asks whom it\n// may concern.\nfunc F() {}":                           1,
		"// F runs through\n// the edge.\nfunc F() {}":                              1,
		"func F() { println(\"this is no event\") }":                                1,
		"func F(whom int) {}":                                                       0,
	} {
		s, err := parseGo("a/a.go", "package a\n\n"+code+"\n")
		if err != nil {
			t.Fatal(err)
		}
		if got := words(s); len(got) != want {
			t.Errorf("%q: findings %q, want %d", code, got, want)
		}
	}
}
