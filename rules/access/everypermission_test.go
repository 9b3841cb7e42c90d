package access

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/policy"
	workspace "gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// oracle decides, as IAM does, whether a role for CloudFormation may make the calls of
// the handlers of its stack's resources, and no such calls on resources of others.
type oracle struct {
	estate     estate
	registry   Registry
	exceptions []Exception
	// services limits the oracle to some services; empty means all.
	services []string

	findings []string
	looked   int
	used     map[Exception]bool
}

// everyPermission checks each permission that the registry's handlers name, on the ARN
// of each resource with the name that CloudFormation gives it in every environment.
func (o *oracle) everyPermission(all []*template.Template) {
	o.used = map[Exception]bool{}
	for _, role := range executionRoles(all) {
		if len(o.services) > 0 && !slices.Contains(o.services, role.service) {
			continue
		}
		for _, environment := range workspace.Environments {
			documents, err := role.documents(environment)
			if err != nil {
				o.findings = append(o.findings, fmt.Sprintf("%s: %v", role, err))
				continue
			}
			by := &decider{documents, map[string]policy.Document{}, map[string]bool{}}
			own := o.estate[environment][role.service]
			o.check(by, role, environment, own, true)
			types := map[string]bool{}
			for _, d := range own {
				types[d.Type] = true
			}
			for _, stack := range o.estate.others(role.service, environment) {
				same := slices.DeleteFunc(slices.Clone(stack), func(d deployed) bool { return !types[d.Type] })
				o.check(by, role, environment, same, false, stack...)
			}
		}
	}
	for _, e := range o.exceptions {
		if e.Wider != "" && len(o.services) == 0 && !o.used[e] {
			o.findings = append(o.findings, fmt.Sprintf("rules/access/exceptions.txt:%d: %s on %s of others is not allowed any longer", e.Line, e.Action, e.Type))
		}
	}
}

// check decides all calls for some resources, which are the role's own or others'.
func (o *oracle) check(by *decider, role executionRole, environment string, of []deployed, own bool, siblings ...deployed) {
	if siblings == nil {
		siblings = of
	}
	c := caller{service: role.service, environment: environment, siblings: siblings}
	for _, d := range of {
		for handler, actions := range o.needs(role.service, d.Type) {
			for _, action := range actions {
				calls, err := c.calls(d, handler, action)
				if err != nil {
					o.findings = append(o.findings, fmt.Sprintf("%s: %v", role, err))
				}
				for _, call := range calls {
					o.decide(by, role, d, handler, action, call, own)
				}
			}
		}
	}
}

// needs are the actions that a type needs, by handler, without what Gatehouse does
// not use and with what no schema lists.
func (o *oracle) needs(service, typ string) map[string][]string {
	out := map[string][]string{}
	for handler, actions := range o.registry[typ] {
		for _, action := range actions {
			excused := func(e Exception) bool { return !e.Given && e.Wider == "" && e.Covers(service, typ, action) }
			if handler != "list" && !slices.ContainsFunc(o.exceptions, excused) {
				out[handler] = append(out[handler], strings.ToLower(action))
			}
		}
	}
	for _, e := range o.exceptions {
		if e.Given && matches(e.Service, service) && matches(e.Type, typ) {
			out["also"] = append(out["also"], strings.ToLower(strings.TrimSuffix(e.Action, "*")))
		}
	}
	return out
}

func (o *oracle) decide(by *decider, role executionRole, d deployed, handler, action string, c call, own bool) {
	if own {
		by.own[c.resource] = true
	} else if c.resource == "*" || by.own[c.resource] {
		return // IAM cannot tell whose it is, or it is for all, as CodeDeploy's role is
	}
	o.looked++
	allowed := by.allows(action, c)
	wider := func(e Exception) bool {
		return (e.Wider == "=" || e.Wider == "~" && c.keys["aws:resourcetag/"+ownTag] == "") && e.Covers(role.service, d.Type, action)
	}
	switch {
	case own && !allowed:
		o.say("%s: %s of %s in %s needs %s on %s with %v, which is not allowed", role, handler, d.ID, d.environment, action, c.resource, c.keys)
	case !own && allowed:
		excused := false
		for _, e := range o.exceptions {
			if wider(e) {
				o.used[e], excused = true, true
			}
		}
		if !excused {
			o.say("%s: %s is allowed on %s with %v, which belongs to %s in %s", role, action, c.resource, c.keys, d.service, d.environment)
		}
	}
}

func (o *oracle) say(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(o.findings, text) {
		o.findings = append(o.findings, text)
	}
}

// decider decides on calls by the policies of one role.
type decider struct {
	documents []policy.Document
	// narrowed are the statements for an action, because most do not concern it.
	narrowed map[string]policy.Document
	// own are the resources that the role needs for its own stack.
	own map[string]bool
}

func (by *decider) allows(action string, c call) bool {
	d, known := by.narrowed[action]
	if !known {
		for _, document := range by.documents {
			for _, s := range document.Statement {
				if slices.ContainsFunc(s.Action, func(pattern string) bool { return policy.MatchFold(pattern, action) }) {
					d.Statement = append(d.Statement, s)
				}
			}
		}
		by.narrowed[action] = d
	}
	return policy.Request{Action: action, Resource: c.resource, Keys: c.keys}.Allowed(d)
}

// documents are the policies of a role in an environment, as IAM gets them.
func (r executionRole) documents(environment string) ([]policy.Document, error) {
	values := r.Evaluator(map[string]string{
		"ArtifactBucket": "bucket", "ArtifactKeyArn": artifactKey(), "BoundaryArn": boundaryArn(environment), "Environment": environment, "HostedZoneId": zone,
		"AWS::AccountId": account, "AWS::Partition": partition, "AWS::Region": region,
	}, nil)
	var out []policy.Document
	for _, n := range r.policies() {
		d, err := document(values, n)
		if err != nil {
			return nil, err
		}
		if unknown := d.Operators(); len(unknown) > 0 {
			return nil, fmt.Errorf("tools/policy does not implement the conditions %v", unknown)
		}
		out = append(out, d)
	}
	return out, nil
}

// policies are the documents of the role's inline policies, and of the managed policies
// in its template.
func (r executionRole) policies() []*yaml.Node {
	var out []*yaml.Node
	if list := r.Prop("Policies"); list != nil {
		for _, one := range list.Content {
			out = append(out, template.Get(one, "PolicyDocument"))
		}
	}
	for _, one := range template.Texts(r.Prop("ManagedPolicyArns")) {
		out = append(out, template.Get(r.Root, "Resources", strings.TrimPrefix(one, "ref:"), "Properties", "PolicyDocument"))
	}
	return out
}

// newOracle reads everything that the oracle compares.
func newOracle(t *testing.T, all []*template.Template) *oracle {
	t.Helper()
	exceptions, err := Exceptions()
	if err != nil {
		t.Fatalf("Exceptions: %v", err)
	}
	types := made(t, all).types()
	venv := filepath.Dir(filepath.Dir(repository.Python(t)))
	reg, err := Read(venv, types)
	if err != nil {
		t.Fatalf("Read: %v", err)
	}
	tags, err := SystemTags(venv, types)
	if err != nil {
		t.Fatalf("SystemTags: %v", err)
	}
	var services []string
	for _, role := range executionRoles(all) {
		services = append(services, role.service)
	}
	return &oracle{estate: estateOf(t, translations(t, all), services, tags), registry: reg, exceptions: exceptions}
}

func TestEveryPermission(t *testing.T) {
	t.Parallel()
	all := repository.Templates(t)
	o := newOracle(t, all)
	o.everyPermission(all)
	repository.Report(t, o.findings)
	t.Logf("decided %d calls", o.looked)
	if o.looked < 20000 {
		t.Errorf("decided %d calls only; were the templates or schemas moved?", o.looked)
	}
}
