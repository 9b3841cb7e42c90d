// Package stacks is the one place that knows what the repository contains: its
// root, its stacks, their functions and Go modules, and the order in which they are
// deployed. It derives all of that from the files, so that no list has to be kept.
package stacks

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"gatehouse.example/tools/template"
)

// Stack is a folder with a template.
type Stack struct {
	// Name is the name of its folder, such as user-events.
	Name string
	// Dir is absolute. Folder is relative to the repository's root, with slashes; only
	// Discover, Find and Examples set it.
	Dir, Folder string
	// Parameters are the names of the template's parameters.
	Parameters []string
	// Writes and Reads are SSM names as in the templates, with ${Environment}.
	Writes, Reads []string
	// Functions are built from Go code.
	Functions []Function
	// Packed are the folders, relative to the stack's, of functions that SAM packs as they
	// are, because they have Metadata SkipBuild.
	Packed []string
	// Resources are those of template.yaml and of the templates that it nests.
	Resources []template.Resource
	// Nested are the paths of the templates that template.yaml nests.
	Nested []string
}

// Function is one AWS::Serverless::Function.
type Function struct {
	LogicalID string
	// Name is as in the template, with ${Environment}.
	Name string
	// CodeURI is relative to the stack's folder.
	CodeURI string
	// Alias is the value of AutoPublishAlias, or empty.
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

// Read reads the stack in a folder.
func Read(dir string) (Stack, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Stack{}, fmt.Errorf("filepath.Abs: %w", err)
	}
	s := Stack{Name: filepath.Base(dir), Dir: dir}
	t, err := s.read(s.Template())
	if err != nil {
		return Stack{}, err
	}
	for _, p := range t.Parameters() {
		s.Parameters = append(s.Parameters, p.Name)
	}
	slices.Sort(s.Parameters)
	slices.Sort(s.Writes)
	slices.Sort(s.Reads)
	s.Reads = slices.Compact(s.Reads)
	slices.Sort(s.Nested)
	slices.SortFunc(s.Resources, func(a, b template.Resource) int { return strings.Compare(a.ID, b.ID) })
	slices.SortFunc(s.Functions, func(a, b Function) int { return strings.Compare(a.LogicalID, b.LogicalID) })
	return s, nil
}

// read adds the resources of one template and of those that it nests.
func (s *Stack) read(path string) (*template.Template, error) {
	t, err := template.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s.Resources = append(s.Resources, t.Resources("")...)
	s.Reads = append(s.Reads, t.SSMNames()...)
	for _, r := range t.Resources("AWS::SSM::Parameter") {
		s.Writes = append(s.Writes, template.Text(r.Prop("Name")))
	}
	for _, r := range t.Resources("AWS::Serverless::Function") {
		if template.Text(template.Get(r.Node, "Metadata", "SkipBuild")) == "true" {
			s.Packed = append(s.Packed, template.Text(r.Prop("CodeUri")))
			continue
		}
		alias := r.Prop("AutoPublishAlias")
		if alias == nil {
			alias = template.Get(t.Root, "Globals", "Function", "AutoPublishAlias")
		}
		s.Functions = append(s.Functions, Function{
			LogicalID: r.ID, Name: template.Text(r.Prop("FunctionName")),
			CodeURI: template.Text(r.Prop("CodeUri")), Alias: template.Text(alias),
		})
	}
	for _, file := range t.Nested() {
		nested := filepath.Join(filepath.Dir(path), file)
		if nested == s.Template() || slices.Contains(s.Nested, nested) {
			return nil, fmt.Errorf("%s nests %s a second time", path, file)
		}
		s.Nested = append(s.Nested, nested)
		functions := len(s.Functions)
		if _, err := s.read(nested); err != nil {
			return nil, err
		}
		if len(s.Functions) > functions {
			return nil, fmt.Errorf("%s: move its functions to template.yaml, because the emulator does not transform nested templates", nested)
		}
	}
	return t, nil
}

// Find returns the stack of a service.
func Find(root, name string) (Stack, error) {
	all, err := Discover(root)
	if err != nil {
		return Stack{}, err
	}
	var names []string
	for _, s := range all {
		if s.Name == name {
			return s, nil
		}
		names = append(names, s.Name)
	}
	return Stack{}, fmt.Errorf("no service is named %q; set SERVICE= to one of %s", name, strings.Join(names, ", "))
}

// Modules returns the folders, relative to root, of the stack's own Go module and of
// the modules of this repository that its go.mod replaces. A stack without Go code
// has none.
func (s Stack) Modules(root string) ([]string, error) {
	raw, err := os.ReadFile(filepath.Join(s.Dir, "go.mod"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	file, err := modfile.Parse("go.mod", raw, nil)
	if err != nil {
		return nil, fmt.Errorf("modfile.Parse: %w", err)
	}
	dirs := []string{s.Dir}
	for _, r := range file.Replace {
		dirs = append(dirs, filepath.Join(s.Dir, filepath.FromSlash(r.New.Path)))
	}
	var found []string
	for _, dir := range dirs {
		rel, err := relative(root, dir)
		if err != nil {
			return nil, err
		}
		found = append(found, rel)
	}
	slices.Sort(found)
	return found, nil
}

// relative returns a path below root with slashes.
func relative(root, path string) (string, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return "", fmt.Errorf("filepath.Abs: %w", err)
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return "", fmt.Errorf("filepath.Rel: %w", err)
	}
	return filepath.ToSlash(rel), nil
}
