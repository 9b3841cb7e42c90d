package docs

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// tokensPage is the page on which every line names a test.
const tokensPage = "docs/tokens.md"

// cells returns the rows of a page's tables, without headings and rulers.
func cells(page string) [][]string {
	var out [][]string
	lines := strings.Split(page, "\n")
	for i, line := range lines {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|-") || i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|-") {
			continue
		}
		var row []string
		for cell := range strings.SplitSeq(strings.Trim(line, "|"), "|") {
			row = append(row, strings.TrimSpace(cell))
		}
		out = append(out, row)
	}
	return out
}

// shown: each line of the page names an existing test and subtest. tests are the
// strings in the file of each test function.
func shown(page string, tests map[string][]string) []string {
	named := regexp.MustCompile("`(Test[A-Za-z0-9_]+)(?:/([a-z0-9_]+))?`")
	var out []string
	for _, row := range cells(page) {
		found := named.FindAllStringSubmatch(row[len(row)-1], -1)
		if len(found) == 0 {
			out = append(out, fmt.Sprintf("%s: the last column of '%s' does not name a test", tokensPage, row[0]))
		}
		for _, m := range found {
			texts, ok := tests[m[1]]
			switch {
			case !ok:
				out = append(out, fmt.Sprintf("%s: no such test: %s", tokensPage, m[1]))
			case m[2] != "" && !slices.Contains(texts, m[2]):
				out = append(out, fmt.Sprintf("%s: %s has no case %s", tokensPage, m[1], m[2]))
			}
		}
	}
	if len(cells(page)) == 0 {
		out = append(out, tokensPage+": no table")
	}
	return out
}

// testsOf returns a Go file's test functions and strings.
func testsOf(src string) (names, texts []string, err error) {
	file, err := parser.ParseFile(token.NewFileSet(), "x_test.go", src, parser.SkipObjectResolution)
	if err != nil {
		return nil, nil, fmt.Errorf("parser.ParseFile: %w", err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncDecl:
			if n.Recv == nil && strings.HasPrefix(n.Name.Name, "Test") {
				names = append(names, n.Name.Name)
			}
		case *ast.BasicLit:
			if text, err := strconv.Unquote(n.Value); err == nil && n.Kind == token.STRING {
				texts = append(texts, text)
			}
		}
		return true
	})
	return names, texts, nil
}

// lifetimes: the page has the lifetimes that the platform's template sets for each
// client. A client without refresh tokens or ID tokens does not set theirs.
func lifetimes(page string, platform *template.Template) []string {
	var out []string
	for _, client := range platform.Resources("AWS::Cognito::UserPoolClient") {
		name := strings.ToLower(strings.TrimSuffix(client.ID, "Client"))
		want := []string{name}
		for _, kind := range []string{"IdToken", "AccessToken", "RefreshToken"} {
			life := "none"
			if n := template.Text(client.Prop(kind + "Validity")); n != "" {
				life = n + " " + template.Text(client.Prop("TokenValidityUnits", kind))
			}
			want = append(want, life)
		}
		found := slices.ContainsFunc(cells(page), func(row []string) bool {
			return len(row) > len(want) && slices.Equal(row[:len(want)], want)
		})
		if !found {
			out = append(out, fmt.Sprintf("%s: no line '| %s |' for %s", tokensPage, strings.Join(want, " | "), client))
		}
	}
	return out
}

// scopes: the page has the scopes that the hosted pages give to each client for people.
// None of them is the one for the user's own account: a script in a page could use it.
func scopes(page string, platform *template.Template) []string {
	var out []string
	for _, client := range platform.Resources("AWS::Cognito::UserPoolClient") {
		allowed := template.Texts(client.Prop("AllowedOAuthScopes"))
		if slices.Contains(allowed, "aws.cognito.signin.user.admin") {
			out = append(out, client.String()+": AllowedOAuthScopes contains aws.cognito.signin.user.admin, see "+tokensPage)
		}
		if !slices.Contains(template.Texts(client.Prop("AllowedOAuthFlows")), "code") {
			continue
		}
		want := []string{strings.ToLower(strings.TrimSuffix(client.ID, "Client")), "on the hosted pages", strings.Join(allowed, ", ")}
		found := slices.ContainsFunc(cells(page), func(row []string) bool {
			return len(row) > len(want) && slices.Equal(row[:len(want)], want)
		})
		if !found {
			out = append(out, fmt.Sprintf("%s: no line '| %s |' for %s", tokensPage, strings.Join(want, " | "), client))
		}
	}
	return out
}

func TestTokensPage(t *testing.T) {
	t.Parallel()
	page := repository.Read(t, filepath.Join(repository.Root, filepath.FromSlash(tokensPage)))
	tests := map[string][]string{}
	for _, path := range repository.Files(t, ".go") {
		// The tests in rules/ do not test tokens.
		if !strings.HasSuffix(path, "_test.go") || strings.HasPrefix(repository.Short(path), "rules/") {
			continue
		}
		names, texts, err := testsOf(repository.Read(t, path))
		if err != nil {
			t.Fatalf("%s: %v", repository.Short(path), err)
		}
		for _, name := range names {
			tests[name] = append(tests[name], texts...)
		}
	}
	repository.Report(t, shown(page, tests))
	for _, one := range repository.Templates(t) {
		if one.Path == "platform/template.yaml" {
			repository.Report(t, lifetimes(page, one))
			repository.Report(t, scopes(page, one))
			return
		}
	}
	t.Error("platform/template.yaml does not exist")
}

func TestTokensPagePlanted(t *testing.T) {
	t.Parallel()
	names, texts, err := testsOf("package x\nfunc TestA(t int) { _ = map[string]int{\"expired\": 1} }\nfunc (h) TestB() {}\nfunc helper() {}\n")
	if err != nil || !slices.Equal(names, []string{"TestA"}) || !slices.Equal(texts, []string{"expired"}) {
		t.Fatalf("testsOf = %v, %v, %v", names, texts, err)
	}
	const table = "| token | shown by |\n|---|---|\n"
	tests := map[string][]string{"TestA": texts}
	for name, tc := range map[string]struct {
		page string
		want string
	}{
		"good":           {table + "| old | `TestA/expired`, `TestA` |\n", ""},
		"no_test":        {table + "| old | believe me |\n", "does not name a test"},
		"unknown_test":   {table + "| old | `TestB` |\n", "no such test: TestB"},
		"unknown_case":   {table + "| old | `TestA/forged` |\n", "no case forged"},
		"other_column":   {table + "| `TestA` | |\n", "does not name a test"},
		"no_table":       {"Believe me.\n", "no table"},
		"no_quoted_name": {table + "| old | TestA |\n", "does not name a test"},
	} {
		got := strings.Join(shown(tc.page, tests), "\n")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	platform := repository.MustParse(t, "platform/template.yaml", `
Resources:
  MachineClient:
    Type: AWS::Cognito::UserPoolClient
    Properties: {AccessTokenValidity: 15, TokenValidityUnits: {AccessToken: minutes}}
`)
	for page, want := range map[string]int{
		"| machine | none | 15 minutes | none | `TestA` |\n": 0,
		"| machine | none | 60 minutes | none | `TestA` |\n": 1,
		"| web | none | 15 minutes | none | `TestA` |\n":     1,
	} {
		if got := lifetimes(page, platform); len(got) != want {
			t.Errorf("%q: findings %q, want %d", page, got, want)
		}
	}
}

func TestScopesPlanted(t *testing.T) {
	t.Parallel()
	const page = "| web | on the hosted pages | openid, email | no | `TestA` |\n"
	for allowed, want := range map[string]int{
		"[openid, email]":                                0,
		"[openid, email, profile]":                       1,
		"[openid, email, aws.cognito.signin.user.admin]": 2,
	} {
		platform := repository.MustParse(t, "platform/template.yaml", `
Resources:
  WebClient: {Type: AWS::Cognito::UserPoolClient, Properties: {AllowedOAuthFlows: [code], AllowedOAuthScopes: `+allowed+`}}
  MachineClient: {Type: AWS::Cognito::UserPoolClient, Properties: {AllowedOAuthFlows: [client_credentials], AllowedOAuthScopes: [a/b]}}
`)
		if got := scopes(page, platform); len(got) != want {
			t.Errorf("%s: findings %q, want %d", allowed, got, want)
		}
	}
}
