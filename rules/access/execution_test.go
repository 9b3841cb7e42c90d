package access

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// executionRole is the role that CloudFormation uses for a service's stack.
type executionRole struct {
	template.Resource
	service string
}

// executionRoles returns the roles in pipeline/roles, by service.
func executionRoles(all []*template.Template) []executionRole {
	var out []executionRole
	for _, t := range all {
		for _, r := range t.Resources("AWS::IAM::Role") {
			if strings.HasSuffix(template.Text(r.Prop("RoleName")), "-cloudformation") && path.Dir(t.Path) == "pipeline/roles" {
				out = append(out, executionRole{r, strings.TrimSuffix(path.Base(t.Path), ".yaml")})
			}
		}
	}
	return out
}

// rolesOfPipelines returns the role for the pipelines' own stacks.
func rolesOfPipelines(all []*template.Template) []executionRole {
	var out []executionRole
	for _, t := range all {
		for _, r := range t.Resources("AWS::IAM::Role") {
			if t.Path == repository.Pipelines && strings.HasSuffix(template.Text(r.Prop("RoleName")), "-cloudformation") {
				out = append(out, executionRole{r, "pipelines"})
			}
		}
	}
	return out
}

// statements returns the statements of the role's inline policies, and of the managed
// policies in its template, which exist because the size of inline policies is limited.
func (r executionRole) statements() []*yaml.Node {
	out := repository.Statements(r.Prop("Policies"))
	for _, arn := range template.Texts(r.Prop("ManagedPolicyArns")) {
		out = append(out, repository.Statements(template.Get(r.Root, "Resources", strings.TrimPrefix(arn, "ref:")))...)
	}
	return out
}

// allowing returns the statements that allow something.
func (r executionRole) allowing() []*yaml.Node {
	return slices.DeleteFunc(r.statements(), func(s *yaml.Node) bool { return template.Text(template.Get(s, "Effect")) != "Allow" })
}

// allows returns the actions that the role's policies allow, in lower case, with the
// statements that allow them.
func (r executionRole) allows() map[string][]*yaml.Node {
	out := map[string][]*yaml.Node{}
	for _, s := range r.allowing() {
		for _, action := range template.Texts(template.Get(s, "Action")) {
			out[strings.ToLower(action)] = append(out[strings.ToLower(action)], s)
		}
	}
	return out
}

// stackOf returns the folder of a service's stack, and the templates in it that are
// separate stacks, which no pipeline deploys.
func stackOf(service string) (dir string, apart []string) {
	if service == "pipelines" {
		return "pipeline", []string{"bootstrap.yaml", "canary.yaml", "checks.yaml", "environment.yaml"}
	}
	return repository.Folder(service), []string{"certificate.yaml", "firewall.yaml", "pipelines.yaml", "trail.yaml"}
}

// execution compares each role for CloudFormation with the registry, in both
// directions: what a type needs is allowed, and a type needs what is allowed.
func execution(all []*template.Template, of stacks, reg Registry, exceptions []Exception) []string {
	var out []string
	used := map[Exception]bool{}
	exceptions = slices.DeleteFunc(slices.Clone(exceptions), func(e Exception) bool { return e.Wider != "" }) // everyPermission's
	for _, role := range append(executionRoles(all), rolesOfPipelines(all)...) {
		dir, apart := stackOf(role.service)
		types := of.at(dir, apart...).types
		needs, given := reg.Needs(types), role.allows()
		for _, e := range exceptions {
			for _, typ := range types {
				switch {
				case e.Given && e.Covers(role.service, typ, e.Action):
					used[e] = true
					needs[strings.ToLower(e.Action)] = append(needs[strings.ToLower(e.Action)], typ)
				case !e.Given:
					used[e] = drop(needs, e, role.service, typ) || used[e]
				}
			}
		}
		for _, action := range slices.Sorted(maps.Keys(needs)) {
			if len(needs[action]) > 0 && given[action] == nil {
				out = append(out, fmt.Sprintf("%s: %s is needed by %s and not allowed; rules/access/exceptions.txt lists what is not used", role, action, strings.Join(needs[action], ", ")))
			}
		}
		for _, action := range slices.Sorted(maps.Keys(given)) {
			if len(needs[action]) == 0 {
				out = append(out, fmt.Sprintf("%s: %s is allowed, and no resource type of %s needs it", role, action, dir))
			}
		}
	}
	for _, e := range exceptions {
		if !used[e] {
			out = append(out, fmt.Sprintf("rules/access/exceptions.txt:%d: %s is no longer needed for %s", e.Line, e.Action, e.Type))
		}
	}
	return out
}

// drop removes a type from those that need an action, and reports whether it was there.
func drop(needs map[string][]string, e Exception, service, typ string) bool {
	dropped := false
	for action, types := range needs {
		if at := slices.Index(types, typ); at >= 0 && e.Covers(service, typ, action) {
			needs[action] = slices.Delete(slices.Clone(types), at, at+1)
			dropped = true
		}
	}
	return dropped
}

// made returns the stacks that pipelines deploy, as CloudFormation gets them, with
// everything that any environment has.
func made(t *testing.T, all []*template.Template) stacks {
	t.Helper()
	out := stacks{}
	for _, one := range translations(t, all) {
		if one.Path == "pipeline/pipeline.yaml" || repository.Dir(one) != "pipeline" {
			out.add(one)
		}
	}
	return out
}

// TestExecutionRoles translates the templates once for all its checks, because that
// takes seconds.
func TestExecutionRoles(t *testing.T) {
	t.Parallel()
	all := repository.Templates(t)
	exceptions, err := Exceptions()
	if err != nil {
		t.Fatalf("registry.Exceptions: %v", err)
	}
	if got := len(executionRoles(all)); got != 9 {
		t.Fatalf("%d roles for CloudFormation in pipeline/roles, want one for each of 9 services", got)
	}
	of := made(t, all)
	reg, err := Read(filepath.Dir(filepath.Dir(repository.Python(t))), of.types())
	if err != nil {
		t.Fatalf("registry.Read: %v", err)
	}
	repository.Report(t, execution(all, of, reg, exceptions))
	repository.Report(t, uses(all, of))
	staleException(t, all, of, reg)
	plantUses(t, of, reg, exceptions)
}
