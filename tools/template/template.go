// Package template reads CloudFormation templates and evaluates their functions.
//
// Everything that needs to know what a template says uses it: the stacks and their
// graph, the data loss guard, the pipelines and the rules. A template is kept as
// YAML nodes, so that line numbers and comments are available; short forms such as
// !Sub and long forms such as Fn::Sub are equivalent. What an Evaluator cannot
// resolve is an error and never an empty value.
package template

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// StackType is the type of a nested stack.
const StackType = "AWS::CloudFormation::Stack"

// Template is one CloudFormation template with its comments and line numbers.
type Template struct {
	// Path is the one given to Parse, with slashes. Findings name it.
	Path string
	// Root is the mapping that holds the sections.
	Root  *yaml.Node
	Lines []string
}

// Parse reads a template in YAML or JSON. Nothing is resolved. An empty text is a
// template without sections: CloudFormation returns one for a stack that was never
// created. YAML aliases and repeated keys are errors, as CloudFormation supports
// neither.
func Parse(path string, text []byte) (*Template, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("%s: yaml.Unmarshal: %w", path, err)
	}
	t := &Template{Path: filepath.ToSlash(path), Root: &yaml.Node{Kind: yaml.MappingNode}, Lines: strings.Split(string(text), "\n")}
	if len(doc.Content) > 0 {
		t.Root = doc.Content[0]
	}
	if t.Root.Kind != yaml.MappingNode {
		return nil, fmt.Errorf("%s: the template is not a mapping", path)
	}
	if err := check(t.Root); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	for _, section := range []string{"Conditions", "Mappings", "Outputs", "Parameters", "Resources"} {
		if n := Get(t.Root, section); n != nil && n.Kind != yaml.MappingNode {
			return nil, fmt.Errorf("%s: line %d: %s is not a mapping", path, n.Line, section)
		}
	}
	return t, nil
}

func check(n *yaml.Node) error {
	if n.Kind == yaml.AliasNode {
		return fmt.Errorf("line %d: CloudFormation does not support YAML aliases", n.Line)
	}
	keys := map[string]bool{}
	for key := range Pairs(n) {
		if keys[key.Value] {
			return fmt.Errorf("line %d: the key %s is repeated", key.Line, key.Value)
		}
		keys[key.Value] = true
	}
	for _, child := range n.Content {
		if err := check(child); err != nil {
			return err
		}
	}
	return nil
}

// ReadFile reads the template in a file.
func ReadFile(path string) (*Template, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	return Parse(path, text)
}

// Resource is one entry in Resources.
type Resource struct {
	*Template
	ID, Type  string
	Key, Node *yaml.Node
}

// Resources returns the template's resources of a type in their order. An empty type
// means all.
func (t *Template) Resources(typ string) []Resource {
	var out []Resource
	for key, value := range Pairs(Get(t.Root, "Resources")) {
		r := Resource{Template: t, ID: key.Value, Type: Text(Get(value, "Type")), Key: key, Node: value}
		if typ == "" || r.Type == typ {
			out = append(out, r)
		}
	}
	return out
}

// Prop is a property of the resource, or nil.
func (r Resource) Prop(path ...string) *yaml.Node {
	return Get(r.Node, append([]string{"Properties"}, path...)...)
}

// Retained reports whether a policy of the resource, DeletionPolicy or
// UpdateReplacePolicy, keeps it in the account.
func (r Resource) Retained(policy string) bool {
	return strings.HasPrefix(Text(Get(r.Node, policy)), "Retain") // or RetainExceptOnCreate
}

// String names the resource in findings.
func (r Resource) String() string { return r.Path + ": " + r.ID }

// Parameter is one entry in Parameters.
type Parameter struct {
	Name, Type string
	// Default is nil if the parameter has none.
	Default *string
	// Allowed are the AllowedValues.
	Allowed []string
}

// Parameters returns the template's parameters in their order.
func (t *Template) Parameters() []Parameter {
	var out []Parameter
	for key, value := range Pairs(Get(t.Root, "Parameters")) {
		p := Parameter{Name: key.Value, Type: Text(Get(value, "Type")), Allowed: Texts(Get(value, "AllowedValues"))}
		if d := Get(value, "Default"); d != nil {
			p.Default = &d.Value
		}
		out = append(out, p)
	}
	return out
}

// Nested returns the resources that nest a template of the repository, by the path
// of that template relative to this one's folder.
func (t *Template) Nested() []string {
	var out []string
	for _, r := range t.Resources(StackType) {
		if file := Text(r.Prop("TemplateURL")); filepath.IsLocal(file) && !strings.Contains(file, "://") {
			out = append(out, file)
		}
	}
	return out
}

// ssm finds dynamic references; a name may contain ${Environment}.
var ssm = regexp.MustCompile(`\{\{resolve:ssm:((?:\$\{[^}]*\}|[^}:])+)(?::\d+)?\}\}`)

// SSMNames returns the names in the template's dynamic references to SSM parameters.
// A name is repeated if it is read more than once.
func (t *Template) SSMNames() []string {
	var names []string
	Walk(t.Root, func(n *yaml.Node) {
		for _, m := range ssm.FindAllStringSubmatch(n.Value, -1) {
			names = append(names, m[1])
		}
	})
	return names
}

// CommentAbove returns the comments directly above a line, and the comment at its end.
func (t *Template) CommentAbove(line int) string {
	var block []string
	for i := line - 2; i >= 0; i-- {
		text := strings.TrimSpace(t.Lines[i])
		if !strings.HasPrefix(text, "#") {
			break
		}
		block = append([]string{text}, block...)
	}
	if _, end, ok := strings.Cut(t.Lines[line-1], " #"); ok {
		block = append(block, "#"+end)
	}
	return strings.Join(block, "\n")
}
