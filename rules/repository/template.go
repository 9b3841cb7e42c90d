// Package repository reads what the rules check: the files of this repository, its
// CloudFormation templates, and their translation by SAM. It also runs a rule over
// copies of a good template, each with one planted error.
package repository

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/stacks"
)

// Template is one CloudFormation template with its comments and line numbers.
type Template struct {
	// Path is relative to the repository, with slashes.
	Path  string
	Root  *yaml.Node
	Lines []string
}

// Pipelines is the template of the pipeline that changes the pipelines of the services.
const Pipelines = "platform/pipelines.yaml"

// Dir is the folder of the stack that the template belongs to. The templates in
// pipeline/roles are nested by those in pipeline. The platform's pipelines.yaml
// counts among the latter: it is deployed to the tools account, not to an environment.
func (t *Template) Dir() string {
	if t.Path == Pipelines {
		return "pipeline"
	}
	return strings.TrimSuffix(filepath.ToSlash(filepath.Dir(t.Path)), "/roles")
}

// Parse reads a template. Nothing is resolved: short tags such as !Sub stay tags.
func Parse(path string, text []byte) (*Template, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return nil, fmt.Errorf("yaml.Unmarshal %s: %w", path, err)
	}
	if len(doc.Content) == 0 || Get(doc.Content[0], "Resources") == nil || len(Get(doc.Content[0], "Resources").Content) == 0 {
		return nil, fmt.Errorf("%s has no Resources", path)
	}
	return &Template{Path: filepath.ToSlash(path), Root: doc.Content[0], Lines: strings.Split(string(text), "\n")}, nil
}

// ReadTemplates finds and reads every template of the repository at root.
func ReadTemplates(root string) ([]*Template, error) {
	all, err := stacks.Discover(root)
	if err != nil {
		return nil, fmt.Errorf("stacks.Discover: %w", err)
	}
	var folders []string
	for _, stack := range all {
		folders = append(folders, stack.Dir)
	}
	for _, pattern := range []string{"pipeline", "pipeline/roles", "examples/*"} {
		folders = append(folders, filepath.Join(root, pattern))
	}
	var found []*Template
	for _, folder := range folders {
		files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
		if err != nil {
			return nil, fmt.Errorf("filepath.Glob: %w", err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, fmt.Errorf("os.ReadFile: %w", err)
			}
			path, err := filepath.Rel(root, file)
			if err != nil {
				return nil, fmt.Errorf("filepath.Rel: %w", err)
			}
			t, err := Parse(path, text)
			if err != nil {
				return nil, err
			}
			found = append(found, t)
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no template found; update ReadTemplates if they were moved")
	}
	return found, nil
}

// Resource is one entry under Resources.
type Resource struct {
	*Template
	ID, Type  string
	Key, Node *yaml.Node
}

// Resources lists a template's resources of a type; an empty type means all.
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

// String names the resource in findings.
func (r Resource) String() string { return r.Path + ": " + r.ID }

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
