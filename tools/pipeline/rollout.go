package pipeline

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Rollout is how CodeDeploy would move the traffic of a function's alias.
type Rollout struct {
	Function, Alias, Type string
	Alarms                []string
}

// Rollouts returns the gradual deployments of a SAM template with these parameters.
func Rollouts(ctx context.Context, template string, parameters map[string]string) ([]Rollout, error) {
	t, err := parse(template)
	if err != nil {
		return nil, err
	}
	resources, _ := t["Resources"].(map[string]any)
	own := &names{resources: resources}
	in := &scope{parameters: map[string]any{}, resolver: own}
	own.scope = in
	in.conditions, _ = t["Conditions"].(map[string]any)
	in.mappings, _ = t["Mappings"].(map[string]any)
	declared, _ := t["Parameters"].(map[string]any)
	for name, p := range declared {
		if p, ok := p.(map[string]any); ok && p["Default"] != nil {
			in.parameters[name] = fmt.Sprint(p["Default"])
		}
	}
	for name, value := range parameters {
		in.parameters[name] = value
	}
	globals := dig(t, "Globals", "Function")
	var out []Rollout
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		r, _ := resources[id].(map[string]any)
		properties, _ := r["Properties"].(map[string]any)
		if r["Type"] != "AWS::Serverless::Function" || properties == nil {
			continue
		}
		preference := map[string]any{}
		maps.Copy(preference, dig(globals, "DeploymentPreference"))
		maps.Copy(preference, dig(properties, "DeploymentPreference"))
		delete(preference, "Role")
		got, err := in.value(ctx, preference)
		if err != nil {
			return nil, fmt.Errorf("%s: DeploymentPreference: %w", id, err)
		}
		p, _ := asText(got).(map[string]any)
		if p["Enabled"] != "true" {
			continue
		}
		s := Rollout{Function: id, Alias: fmt.Sprint(properties["AutoPublishAlias"]), Type: fmt.Sprint(p["Type"])}
		alarms, _ := p["Alarms"].([]any)
		for _, a := range alarms {
			s.Alarms = append(s.Alarms, fmt.Sprint(a))
		}
		out = append(out, s)
	}
	return out, nil
}

// String is the sentence that a plan shows.
func (s Rollout) String() string {
	return fmt.Sprintf("the alias %[2]s of %[1]s would move to the new version by %[3]s, watched by the alarms %[4]s", s.Function, s.Alias, s.Type, strings.Join(s.Alarms, ", "))
}

// Declared returns the names of a template's parameters.
func Declared(template string) ([]string, error) {
	t, err := parse(template)
	if err != nil {
		return nil, err
	}
	return slices.Sorted(maps.Keys(dig(t, "Parameters"))), nil
}

func dig(m map[string]any, path ...string) map[string]any {
	for _, name := range path {
		m, _ = m[name].(map[string]any)
	}
	return m
}

// names resolves the resources of a template that is not deployed to the names
// that the template gives them.
type names struct {
	scope     *scope
	resources map[string]any
}

func (n *names) Parameter(_ context.Context, name string) (string, error) { return name, nil }

func (n *names) Attribute(ctx context.Context, resource, attribute string) (string, error) {
	r, _ := n.resources[resource].(map[string]any)
	if name := dig(r, "Properties")["AlarmName"]; name != nil && attribute == "Ref" {
		v, err := n.scope.value(ctx, name)
		return fmt.Sprint(v), err
	}
	return strings.TrimSuffix(resource+"."+attribute, ".Ref"), nil
}
