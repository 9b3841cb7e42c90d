package access

import (
	"path"
	"slices"
	"strings"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// stack describes what one template creates, or the templates of a folder together.
type stack struct {
	types    []string // of resources
	policies []string // AWS managed policies of its roles
	trusted  []string // services that may assume its roles
}

// stacks are stacks by the paths of their templates.
type stacks map[string]stack

// add adds a template as CloudFormation gets it.
func (s stacks) add(t *template.Template) {
	var one stack
	for _, r := range t.Resources("") {
		one.types = append(one.types, r.Type)
		if r.Type != "AWS::IAM::Role" {
			continue
		}
		one.policies = append(one.policies, template.Texts(r.Prop("ManagedPolicyArns"))...)
		for _, trust := range repository.Statements(r.Prop("AssumeRolePolicyDocument")) {
			for _, kind := range []string{"Service", "Federated"} {
				one.trusted = append(one.trusted, template.Texts(template.Get(trust, "Principal", kind))...)
			}
		}
	}
	s[t.Path] = one
}

// at combines the templates of a folder, because one role creates a stack and its
// nested stacks. It omits templates that are separate stacks.
func (s stacks) at(dir string, except ...string) stack {
	var all stack
	for name, one := range s {
		if path.Dir(name) == dir && !slices.Contains(except, path.Base(name)) {
			all.types = append(all.types, one.types...)
			all.policies = append(all.policies, one.policies...)
			all.trusted = append(all.trusted, one.trusted...)
		}
	}
	return stack{types: sorted(all.types), policies: sorted(all.policies), trusted: sorted(all.trusted)}
}

// types returns the types that have a schema; those of SAM and custom ones do not.
func (s stacks) types() []string {
	var all []string
	for _, one := range s {
		all = append(all, one.types...)
	}
	return slices.DeleteFunc(sorted(all), func(name string) bool { return !strings.HasPrefix(name, "AWS::") })
}

func sorted(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}
