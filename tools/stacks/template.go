// Package stacks finds the stacks of the repository and reads from their
// templates what must be deployed before what: a template that resolves an SSM
// name comes after the one that writes it.
package stacks

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Stack is a folder with a template.
type Stack struct {
	// Name is the folder's, such as user-events.
	Name string
	// Dir is absolute.
	Dir string
	// Parameters are the names that the template declares.
	Parameters []string
	// Writes and Reads are SSM names, with ${Environment} as it stands there.
	Writes, Reads []string
	// Functions are built from Go code.
	Functions []Function
	// Resources are those of template.yaml and of the templates that it nests.
	Resources []Resource
	// Nested are the paths of the templates that template.yaml nests.
	Nested []string
}

// Resource is one resource of a template.
type Resource struct {
	LogicalID, Type string
	properties      yaml.Node
}

// Text is the text of a property, whether plain or under !Sub; empty if it is missing.
func (r Resource) Text(property string) string { return value(&r.properties, property) }

// Function is one AWS::Serverless::Function.
type Function struct {
	LogicalID string
	// Name has ${Environment} as it stands in the template.
	Name string
	// CodeURI is relative to the stack's folder.
	CodeURI string
	// Alias is what AutoPublishAlias names, or empty.
	Alias string
}

// FullName is the function's name in an environment.
func (f Function) FullName(environment string) string {
	return strings.ReplaceAll(f.Name, "${Environment}", environment)
}

// Template is the path of the stack's template.
func (s Stack) Template() string { return filepath.Join(s.Dir, "template.yaml") }

// Samconfig is the path of its SAM settings; the file may be missing.
func (s Stack) Samconfig() string { return filepath.Join(s.Dir, "samconfig.toml") }

// resolved finds dynamic references; a name may hold ${Environment}.
var resolved = regexp.MustCompile(`\{\{resolve:ssm:((?:\$\{[^}]*\}|[^}:])+)(?::\d+)?\}\}`)

// Read reads the stack in a folder.
func Read(dir string) (Stack, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Stack{}, fmt.Errorf("filepath.Abs: %w", err)
	}
	s := Stack{Name: filepath.Base(dir), Dir: dir}
	doc, err := s.read(s.Template())
	if err != nil {
		return Stack{}, err
	}
	for name := range doc.Parameters {
		s.Parameters = append(s.Parameters, name)
	}
	slices.Sort(s.Parameters)
	slices.Sort(s.Writes)
	slices.Sort(s.Reads)
	s.Reads = slices.Compact(s.Reads)
	slices.Sort(s.Nested)
	slices.SortFunc(s.Resources, func(a, b Resource) int { return strings.Compare(a.LogicalID, b.LogicalID) })
	slices.SortFunc(s.Functions, func(a, b Function) int { return strings.Compare(a.LogicalID, b.LogicalID) })
	return s, nil
}

// read adds what one template and those that it nests say.
func (s *Stack) read(path string) (document, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return document{}, fmt.Errorf("os.ReadFile: %w", err)
	}
	doc, err := s.parse(raw)
	if err != nil {
		return document{}, fmt.Errorf("%s: %w", path, err)
	}
	for id, r := range doc.Resources {
		file := value(&r.Properties, "TemplateURL")
		if r.Type != "AWS::CloudFormation::Stack" || !filepath.IsLocal(file) || strings.Contains(file, "://") {
			continue
		}
		nested := filepath.Join(filepath.Dir(path), file)
		if nested == s.Template() || slices.Contains(s.Nested, nested) {
			return document{}, fmt.Errorf("%s: %s nests %s a second time", path, id, file)
		}
		s.Nested = append(s.Nested, nested)
		functions := len(s.Functions)
		if _, err := s.read(nested); err != nil {
			return document{}, err
		}
		if len(s.Functions) > functions {
			return document{}, fmt.Errorf("%s: its functions belong into template.yaml; the emulator transforms no nested template", nested)
		}
	}
	return doc, nil
}

// document is what matters here; !Sub and its like stay what they are applied to.
type document struct {
	Globals struct {
		Function struct {
			AutoPublishAlias string `yaml:"AutoPublishAlias"`
		} `yaml:"Function"`
	} `yaml:"Globals"`
	Parameters map[string]yaml.Node `yaml:"Parameters"`
	Resources  map[string]struct {
		Type       string    `yaml:"Type"`
		Properties yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`
}

func (s *Stack) parse(raw []byte) (document, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(raw, &root); err != nil {
		return document{}, fmt.Errorf("yaml.Unmarshal: %w", err)
	}
	var doc document
	if err := root.Decode(&doc); err != nil {
		return document{}, fmt.Errorf("yaml.Node.Decode: %w", err)
	}
	for id, r := range doc.Resources {
		s.Resources = append(s.Resources, Resource{LogicalID: id, Type: r.Type, properties: r.Properties})
		switch r.Type {
		case "AWS::SSM::Parameter":
			s.Writes = append(s.Writes, value(&r.Properties, "Name"))
		case "AWS::Serverless::Function":
			f := Function{
				LogicalID: id, Name: value(&r.Properties, "FunctionName"),
				CodeURI: value(&r.Properties, "CodeUri"), Alias: value(&r.Properties, "AutoPublishAlias"),
			}
			if f.Alias == "" {
				f.Alias = doc.Globals.Function.AutoPublishAlias
			}
			s.Functions = append(s.Functions, f)
		}
	}
	s.Reads = append(s.Reads, reads(&root)...)
	return doc, nil
}

// value is the text of a property, whether plain or under !Sub or Fn::Sub.
func value(properties *yaml.Node, name string) string {
	for i := 0; i+1 < len(properties.Content); i += 2 {
		if properties.Content[i].Value != name {
			continue
		}
		node := properties.Content[i+1]
		for len(node.Content) > 0 { // {Fn::Sub: text} or !Sub [text, {}]
			if node.Kind == yaml.MappingNode {
				node = node.Content[1]
			} else {
				node = node.Content[0]
			}
		}
		return node.Value
	}
	return ""
}

// reads are the SSM names below a node, some of them more than once.
func reads(node *yaml.Node) []string {
	var names []string
	for _, m := range resolved.FindAllStringSubmatch(node.Value, -1) {
		names = append(names, m[1])
	}
	for _, child := range node.Content {
		names = append(names, reads(child)...)
	}
	return names
}
