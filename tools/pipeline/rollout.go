package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/template"
)

// Rollout is how CodeDeploy would move the traffic of a function's alias.
type Rollout struct {
	Function, Alias, Type string
	Alarms                []string
}

// Rollouts returns the gradual deployments of a SAM template with these parameters.
func Rollouts(ctx context.Context, text string, parameters map[string]string) ([]Rollout, error) {
	t, err := template.Parse("the template", []byte(text))
	if err != nil {
		return nil, err
	}
	own := &names{alarms: map[string]*yaml.Node{}}
	for _, r := range t.Resources("") {
		own.alarms[r.ID] = r.Prop("AlarmName")
	}
	in := t.Evaluator(parameters, own)
	own.in = in
	const preference = "DeploymentPreference"
	globals := template.Get(t.Root, "Globals", "Function", preference)
	var out []Rollout
	for _, r := range t.Resources("AWS::Serverless::Function") {
		p := map[string]any{}
		for _, n := range []*yaml.Node{globals, r.Prop(preference)} {
			for key, value := range template.Pairs(n) {
				if key.Value == "Role" {
					continue
				}
				got, err := in.Value(ctx, value)
				if err != nil {
					return nil, fmt.Errorf("%s: %s: %w", r.ID, preference, err)
				}
				p[key.Value] = asText(got)
			}
		}
		if p["Enabled"] != "true" {
			continue
		}
		s := Rollout{Function: r.ID, Alias: template.Text(r.Prop("AutoPublishAlias")), Type: fmt.Sprint(p["Type"])}
		alarms, _ := p["Alarms"].([]any)
		for _, a := range alarms {
			s.Alarms = append(s.Alarms, fmt.Sprint(a))
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Rollout) int { return strings.Compare(a.Function, b.Function) })
	return out, nil
}

// String is the sentence that a plan shows.
func (s Rollout) String() string {
	return fmt.Sprintf("the alias %[2]s of %[1]s would move to the new version by %[3]s, watched by the alarms %[4]s", s.Function, s.Alias, s.Type, strings.Join(s.Alarms, ", "))
}

// Declared returns the names of a template's parameters.
func Declared(text string) ([]string, error) {
	t, err := template.Parse("the template", []byte(text))
	if err != nil {
		return nil, err
	}
	var names []string
	for _, p := range t.Parameters() {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	return names, nil
}

// names resolves the resources of a template that is not deployed to the names
// that the template gives them.
type names struct {
	in     *template.Evaluator
	alarms map[string]*yaml.Node
}

func (n *names) Parameter(_ context.Context, name string) (string, error) { return name, nil }

func (n *names) Attribute(ctx context.Context, resource, attribute string) (string, error) {
	if name := n.alarms[resource]; name != nil && attribute == "Ref" {
		v, err := n.in.Value(ctx, name)
		return fmt.Sprint(v), err
	}
	return strings.TrimSuffix(resource+"."+attribute, ".Ref"), nil
}
