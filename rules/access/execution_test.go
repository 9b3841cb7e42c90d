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
)

// executionRole is the role that CloudFormation has for a service's stack.
type executionRole struct {
	repository.Resource
	service string
}

// executionRoles are those of pipeline/roles, by service.
func executionRoles(all []*repository.Template) []executionRole {
	var out []executionRole
	for _, t := range all {
		for _, r := range t.Resources("AWS::IAM::Role") {
			if strings.HasSuffix(repository.Text(r.Prop("RoleName")), "-cloudformation") && path.Dir(t.Path) == "pipeline/roles" {
				out = append(out, executionRole{r, strings.TrimSuffix(path.Base(t.Path), ".yaml")})
			}
		}
	}
	return out
}

// rolesOfPipelines is the role that makes the pipelines' own stacks.
func rolesOfPipelines(all []*repository.Template) []executionRole {
	var out []executionRole
	for _, t := range all {
		for _, r := range t.Resources("AWS::IAM::Role") {
			if t.Path == repository.Pipelines && strings.HasSuffix(repository.Text(r.Prop("RoleName")), "-cloudformation") {
				out = append(out, executionRole{r, "pipelines"})
			}
		}
	}
	return out
}

// statements are those of the role's own policies, and of the policies of its
// template that it has because it takes only so many characters.
func (r executionRole) statements() []*yaml.Node {
	out := repository.Statements(r.Prop("Policies"))
	for _, arn := range repository.Texts(r.Prop("ManagedPolicyArns")) {
		out = append(out, repository.Statements(repository.Get(r.Root, "Resources", strings.TrimPrefix(arn, "ref:")))...)
	}
	return out
}

// allowing are the statements that allow something.
func (r executionRole) allowing() []*yaml.Node {
	return slices.DeleteFunc(r.statements(), func(s *yaml.Node) bool { return repository.Text(repository.Get(s, "Effect")) != "Allow" })
}

// allows are the actions that a role's own policies allow, in lower case, with
// the statements that do.
func (r executionRole) allows() map[string][]*yaml.Node {
	out := map[string][]*yaml.Node{}
	for _, s := range r.allowing() {
		for _, action := range repository.Texts(repository.Get(s, "Action")) {
			out[strings.ToLower(action)] = append(out[strings.ToLower(action)], s)
		}
	}
	return out
}

// stackOf is the folder of a service's stack, and the templates there that are
// stacks of their own, which no pipeline deploys.
func stackOf(service string) (dir string, apart []string) {
	switch service {
	case "platform":
		return "platform", []string{"certificate.yaml", "pipelines.yaml", "trail.yaml"}
	case "pipelines":
		return "pipeline", []string{"bootstrap.yaml", "environment.yaml"}
	}
	return "services/" + service, nil
}

// execution holds each role of CloudFormation's against the registry, both ways:
// what a type needs is allowed, and what is allowed some type needs.
func execution(all []*repository.Template, of stacks, reg Registry, exceptions []Exception) []string {
	var out []string
	used := map[Exception]bool{}
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
				out = append(out, fmt.Sprintf("%s: %s is needed by %s and not allowed; rules/access/exceptions.txt is for what is not used", role, action, strings.Join(needs[action], ", ")))
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
			out = append(out, fmt.Sprintf("rules/access/exceptions.txt:%d: nothing needs %s for %s any more", e.Line, e.Action, e.Type))
		}
	}
	return out
}

// drop takes a type out of those that need an action, and says whether it was there.
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

// made are the stacks that pipelines deploy, as CloudFormation gets them, with
// everything in them that any environment has.
func made(t *testing.T, all []*repository.Template) stacks {
	t.Helper()
	var sam []repository.Untranslated
	out := stacks{}
	for _, one := range all {
		switch {
		case repository.IsSAM(one):
			sam = append(sam, repository.Untranslated{Path: one.Path, Template: strings.Join(one.Lines, "\n"), Parameters: repository.Release("true")})
		case one.Path == "pipeline/pipeline.yaml", one.Dir() != "pipeline":
			out.add(one)
		}
	}
	for _, one := range repository.Translate(t, sam) {
		out.add(one)
	}
	return out
}

// TestExecutionRoles translates the templates once for all that stands on it, for
// that takes seconds.
func TestExecutionRoles(t *testing.T) {
	t.Parallel()
	all := repository.Templates(t)
	exceptions, err := Exceptions()
	if err != nil {
		t.Fatalf("registry.Exceptions: %v", err)
	}
	if got := len(executionRoles(all)); got != 6 {
		t.Fatalf("%d roles of CloudFormation's under pipeline/roles, want one for each of 6 services", got)
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
