package rules_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse.example/rules"
)

// root is the repository, seen from this package's folder.
const root = ".."

// rule looks at all templates and says what is wrong.
type rule func([]*rules.Template) []string

func templates(t *testing.T) []*rules.Template {
	t.Helper()
	all, err := rules.Templates(root)
	if err != nil {
		t.Fatalf("rules.Templates: %v", err)
	}
	return all
}

func report(t *testing.T, findings []string) {
	t.Helper()
	for _, f := range findings {
		t.Error(f)
	}
}

// planted is one error in the good template and a part of the finding that it must cause.
type planted struct{ old, new, want string }

// other is the stack that the good template reads a name from.
const other = `
Resources:
  P:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Sub "/gatehouse/${Environment}/other/some-arn", Value: a}
`

func good(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "good.yaml"))
	if err != nil {
		t.Fatalf("os.ReadFile: %v", err)
	}
	return string(text)
}

func parse(t *testing.T, path, text string) *rules.Template {
	t.Helper()
	parsed, err := rules.Parse(path, []byte(text))
	if err != nil {
		t.Fatalf("rules.Parse: %v", err)
	}
	return parsed
}

// plant runs a rule over the good template, where it must find nothing, and over
// one copy for each planted error.
func plant(t *testing.T, check rule, errs map[string]planted) {
	t.Helper()
	text := good(t)
	run := func(text string) []string {
		return check([]*rules.Template{parse(t, "services/good/template.yaml", text), parse(t, "services/other/template.yaml", other)})
	}
	if findings := run(text); len(findings) > 0 {
		t.Errorf("the good template is found guilty: %v", findings)
	}
	for name, p := range errs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(text, p.old) {
				t.Fatalf("nothing to plant at: %s", p.old)
			}
			findings := run(strings.Replace(text, p.old, p.new, 1))
			if len(findings) == 0 || !strings.Contains(strings.Join(findings, "\n"), p.want) {
				t.Errorf("findings %q, want one with %q", findings, p.want)
			}
		})
	}
}

func TestNoTemplateIsAnError(t *testing.T) {
	t.Parallel()
	if found, err := rules.Templates(t.TempDir()); err == nil {
		t.Errorf("%d templates in an empty folder", len(found))
	}
}
