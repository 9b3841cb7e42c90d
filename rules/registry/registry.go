// Package registry says what CloudFormation needs for the resource types of a
// template: AWS writes it into the schemas of its registry, and cfn-lint carries
// these. So a role for CloudFormation need not be guessed, nor tried out in an
// account. What the schemas say is for every use of a type; exceptions.txt says
// which part of it Gatehouse does not use, and why.
package registry

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path"
	"slices"
	"strings"
)

//go:embed registry.py
var script string

// Template is what CloudFormation gets of one template, after SAM's transform.
type Template struct {
	// Types are the resource types, in order.
	Types []string `json:"types"`
	// Policies are the managed policies of its roles.
	Policies []string `json:"policies"`
	// Trusted are the services that may take its roles.
	Trusted []string `json:"trusted"`
}

// Registry is what some templates consist of, and what their types need.
type Registry struct {
	Templates map[string]Template `json:"templates"`
	// Handlers are the permissions by type and handler.
	Handlers map[string]map[string][]string `json:"handlers"`
}

// Read asks SAM's transform and cfn-lint's schemas, both in the virtualenv of python.
func Read(ctx context.Context, python, root string, templates []string) (Registry, error) {
	cmd := exec.CommandContext(ctx, python, append([]string{"-c", script}, templates...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return Registry{}, fmt.Errorf("registry.py: %w\n%s", err, exit.Stderr)
	}
	if err != nil {
		return Registry{}, fmt.Errorf("exec.CommandContext: %w", err)
	}
	var r Registry
	if err := json.Unmarshal(out, &r); err != nil {
		return Registry{}, fmt.Errorf("json.Unmarshal: %w", err)
	}
	return r, nil
}

// Stack is what the templates of one folder consist of together: those that a
// stack nests are made by the same role.
func (r Registry) Stack(dir string, except ...string) Template {
	var all Template
	for name, t := range r.Templates {
		if path.Dir(name) == dir && !slices.Contains(except, path.Base(name)) {
			all.Types = append(all.Types, t.Types...)
			all.Policies = append(all.Policies, t.Policies...)
			all.Trusted = append(all.Trusted, t.Trusted...)
		}
	}
	for _, list := range []*[]string{&all.Types, &all.Policies, &all.Trusted} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return all
}

// Needs says for each action, in lower case, which types need it on which handler.
// Listing is left out: CloudFormation lists resources for drift and import only.
func (r Registry) Needs(types []string) map[string][]string {
	needs := map[string][]string{}
	for _, name := range types {
		for _, handler := range slices.Sorted(maps.Keys(r.Handlers[name])) {
			if handler == "list" {
				continue
			}
			for _, action := range r.Handlers[name][handler] {
				action = strings.ToLower(action)
				if !slices.Contains(needs[action], name) {
					needs[action] = append(needs[action], name)
				}
			}
		}
	}
	return needs
}
