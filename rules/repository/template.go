// Package repository reads what the rules check: the files of this repository, its
// CloudFormation templates, and their translation by SAM. It also runs a rule over
// copies of a good template, each with one planted error.
package repository

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// Pipelines is the template of the pipeline that changes the pipelines of the services.
const Pipelines = "platform/pipelines.yaml"

// Dir is the folder of the stack that the template belongs to. The templates in
// pipeline/roles are nested by those in pipeline. The platform's pipelines.yaml
// counts among the latter: it is deployed to the tools account, not to an environment.
func Dir(t *template.Template) string {
	if t.Path == Pipelines {
		return "pipeline"
	}
	return strings.TrimSuffix(filepath.ToSlash(filepath.Dir(t.Path)), "/roles")
}

// OfAnotherTeam reports whether a template is an example of another team's stack. Such a
// stack is copied out of this repository, so it names nothing of it: no playbook, no key,
// and no path of roles.
func OfAnotherTeam(t *template.Template) bool { return strings.HasPrefix(t.Path, "examples/") }

// Folder returns the folder of a service's stack, or an empty text if the service
// does not exist.
func Folder(service string) string {
	s, err := stacks.Find(Root, service)
	if err != nil {
		return "" // Stacks reports unreadable templates
	}
	return s.Folder
}

// ReadTemplates finds and reads every template of the repository at root. Their paths
// are relative to root.
func ReadTemplates(root string) ([]*template.Template, error) {
	all, err := stacks.Discover(root)
	if err != nil {
		return nil, fmt.Errorf("stacks.Discover: %w", err)
	}
	var dirs []string
	for _, stack := range all {
		dirs = append(dirs, stack.Dir)
	}
	for _, pattern := range []string{"pipeline", "pipeline/roles", "examples/*"} {
		dirs = append(dirs, filepath.Join(root, pattern))
	}
	var found []*template.Template
	for _, folder := range dirs {
		files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil {
			return nil, fmt.Errorf("filepath.Glob: %w", err)
		}
		for _, file := range files {
			t, err := template.ReadFile(file)
			if err != nil {
				return nil, err
			}
			if len(t.Resources("")) == 0 {
				return nil, fmt.Errorf("%s has no resources", file)
			}
			path, err := filepath.Rel(root, file)
			if err != nil {
				return nil, fmt.Errorf("filepath.Rel: %w", err)
			}
			t.Path = filepath.ToSlash(path)
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no template found; update ReadTemplates if they were moved")
	}
	return found, nil
}

// Names are the writers and readers of each SSM name, by stack.
type Names struct {
	Writers, Readers map[string][]string
}

// NamesOf collects the SSM names of the templates, with ${Environment} in them.
func NamesOf(templates []*template.Template) Names {
	n := Names{Writers: map[string][]string{}, Readers: map[string][]string{}}
	for _, t := range templates {
		for _, r := range t.Resources("AWS::SSM::Parameter") {
			name := template.Text(r.Prop("Name"))
			n.Writers[name] = append(n.Writers[name], Dir(t))
		}
		for _, name := range t.SSMNames() {
			// The tools account is not an environment and uses the log key of one.
			name = strings.Replace(name, "${LogKeyEnvironment}", "${Environment}", 1)
			if !slices.Contains(n.Readers[name], Dir(t)) {
				n.Readers[name] = append(n.Readers[name], Dir(t))
			}
		}
	}
	return n
}

// CognitoTriggers are the command folders of the functions that Cognito calls.
var CognitoTriggers = []string{"challenge", "custommessage", "presignup", "preauthentication", "postauthentication", "postconfirmation", "usermigration"}

// FunctionType is the resource type of a function in a template.
const FunctionType = "AWS::Serverless::Function"

// Rule checks all templates and returns its findings.
type Rule func([]*template.Template) []string

// ofRoot reads the templates once for all tests of a package. No rule changes a template.
var ofRoot = sync.OnceValues(func() ([]*template.Template, error) { return ReadTemplates(Root) })

// Templates returns all templates of the repository.
func Templates(t *testing.T) []*template.Template {
	t.Helper()
	all, err := ofRoot()
	if err != nil {
		t.Fatalf("repository.ReadTemplates: %v", err)
	}
	return slices.Clone(all)
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
	plant(t, Good(t), errs, func(text string) []string {
		return check([]*template.Template{MustParse(t, "services/good/template.yaml", text), MustParse(t, "services/other/template.yaml", Other)})
	})
}

// PlantIn is Plant for a rule about one template of the repository, by its path below
// the root.
func PlantIn(t *testing.T, path string, check Rule, errs map[string]Planted) {
	t.Helper()
	plant(t, Read(t, filepath.Join(Root, path)), errs, func(text string) []string {
		return check([]*template.Template{MustParse(t, path, text)})
	})
}

func plant(t *testing.T, text string, errs map[string]Planted, run func(text string) []string) {
	t.Helper()
	if findings := run(text); len(findings) > 0 {
		t.Errorf("findings without a planted error: %v", findings)
	}
	for name, p := range errs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			broken := strings.Replace(text, p[0], p[1], 1)
			if broken == text {
				t.Fatalf("the text to replace is missing: %s", p[0])
			}
			findings := run(broken)
			if len(findings) == 0 || !strings.Contains(strings.Join(findings, "\n"), p[2]) {
				t.Errorf("findings %q, want one with %q", findings, p[2])
			}
		})
	}
}
