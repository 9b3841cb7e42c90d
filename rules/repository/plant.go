package repository

import (
	"path/filepath"
	"strings"
	"testing"

	"gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// Rule checks all templates and returns its findings.
type Rule func([]*template.Template) []string

// Templates returns all templates of the repository.
func Templates(t *testing.T) []*template.Template {
	t.Helper()
	all, err := ReadTemplates(Root)
	if err != nil {
		t.Fatalf("repository.ReadTemplates: %v", err)
	}
	return all
}

// Stacks returns the stacks of the services and the platform.
func Stacks(t *testing.T) []stacks.Stack {
	t.Helper()
	all, err := stacks.Discover(Root)
	if err != nil {
		t.Fatalf("stacks.Discover: %v", err)
	}
	if len(all) == 0 {
		t.Fatal("no stack found")
	}
	return all
}

// Report reports each finding as an error of the test.
func Report(t *testing.T, findings []string) {
	t.Helper()
	for _, f := range findings {
		t.Error(f)
	}
}

// Planted is one error in the good template: the text that is replaced, its
// replacement, and a part of the finding that it must cause.
type Planted [3]string

// Other is the stack that the good template reads a name from.
const Other = `
Resources:
  P:
    Type: AWS::SSM::Parameter
    Properties: {Name: !Sub "/gatehouse/${Environment}/other/some-arn", Value: a}
`

// Good returns the text of a template without findings.
func Good(t *testing.T) string {
	t.Helper()
	return Read(t, filepath.Join(Root, "rules", "repository", "testdata", "good.yaml"))
}

// MustParse is Parse for tests.
func MustParse(t *testing.T, path, text string) *template.Template {
	t.Helper()
	parsed, err := template.Parse(path, []byte(text))
	if err != nil {
		t.Fatalf("template.Parse: %v", err)
	}
	return parsed
}

// Plant runs a rule over the good template, where it must find nothing, and over a copy
// for each planted error, which it must find.
func Plant(t *testing.T, check Rule, errs map[string]Planted) {
	t.Helper()
	text := Good(t)
	run := func(text string) []string {
		return check([]*template.Template{MustParse(t, "services/good/template.yaml", text), MustParse(t, "services/other/template.yaml", Other)})
	}
	if findings := run(text); len(findings) > 0 {
		t.Errorf("findings in the good template: %v", findings)
	}
	for name, p := range errs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if !strings.Contains(text, p[0]) {
				t.Fatalf("the text to replace is missing: %s", p[0])
			}
			findings := run(strings.Replace(text, p[0], p[1], 1))
			if len(findings) == 0 || !strings.Contains(strings.Join(findings, "\n"), p[2]) {
				t.Errorf("findings %q, want one with %q", findings, p[2])
			}
		})
	}
}
