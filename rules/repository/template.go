// Package repository reads what the rules check: the files of this repository, its
// CloudFormation templates, and their translation by SAM. It also runs a rule over
// copies of a good template, each with one planted error.
package repository

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

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

// ReadTemplates finds and reads every template of the repository at root. Their paths
// are relative to root.
func ReadTemplates(root string) ([]*template.Template, error) {
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
	var found []*template.Template
	for _, folder := range folders {
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
