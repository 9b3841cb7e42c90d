package code

import (
	"go/ast"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// rawJSON: a command prints JSON through terminal.JSON. encoding/json leaves some control
// characters as they are, and events and rows have texts of anybody, such as a user agent.
func rawJSON(all []source) []string {
	var out []string
	for _, s := range all {
		if !strings.HasPrefix(s.path, "tools/") || strings.HasSuffix(s.path, "_test.go") ||
			strings.HasPrefix(s.path, "tools/internal/proxy/") || s.path == "tools/sam/json.go" { // for programs only
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			c, ok := n.(*ast.CallExpr)
			if ok && called(c) == "json.NewEncoder" && len(c.Args) == 1 && !isJSON(c.Args[0]) {
				out = append(out, s.position(c)+": json.NewEncoder without terminal.JSON; a text could control the terminal")
			}
			return true
		})
	}
	return out
}

// isJSON reports a call of terminal.JSON, or of JSON in that package itself.
func isJSON(arg ast.Expr) bool {
	c, ok := arg.(*ast.CallExpr)
	return ok && (called(c) == "terminal.JSON" || called(c) == "JSON")
}

// called is the function of a call, with its package.
func called(c *ast.CallExpr) string {
	switch f := c.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		return selector(f)
	}
	return ""
}

func TestCommandsPrintJSONForTerminals(t *testing.T) {
	t.Parallel()
	repository.Report(t, rawJSON(sources(t)))
}

func TestCommandsPrintJSONForTerminalsPlanted(t *testing.T) {
	t.Parallel()
	const raw, escaped = "package a\nvar _ = json.NewEncoder(out)\n", "package a\nvar _ = json.NewEncoder(terminal.JSON(out))\n"
	for file, tc := range map[string]struct {
		text string
		want int
	}{
		"tools/a/a.go": {raw, 1}, "tools/a/b.go": {escaped, 0}, "tools/a/a_test.go": {raw, 0},
		"tools/a/y.go": {"package a\nvar _ = yaml.NewEncoder(out)\n", 0}, "tools/internal/terminal/a.go": {"package a\nvar _ = json.NewEncoder(JSON(out))\n", 0},
		"tools/internal/proxy/a.go": {raw, 0}, "lambdakit/a.go": {raw, 0},
	} {
		s, err := parseGo(file, tc.text)
		if err != nil {
			t.Fatal(err)
		}
		if got := rawJSON([]source{s}); len(got) != tc.want {
			t.Errorf("%s: findings %q, want %d", file, got, tc.want)
		}
	}
}
