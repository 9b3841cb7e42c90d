// Package definition reads a pipeline as it is deployed: the template that
// CloudFormation holds, with the stack's parameters and resources put in.
//
// It exists so that what runs on a laptop is the definition that runs on AWS and
// not a copy of it. It knows what these pipelines use and refuses everything else
// by name, for a field that is passed over would be a promise that nobody checks.
package definition

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
)

const (
	pipelineType = "AWS::CodePipeline::Pipeline"
	projectType  = "AWS::CodeBuild::Project"
	reportType   = "AWS::CodeBuild::ReportGroup"
)

// Stack is a deployed stack.
type Stack struct {
	Template string
	// Parameters are the stack's, and the pseudo parameters such as AWS::Region.
	Parameters map[string]string
	World      World
}

// Definition is one pipeline with what belongs to it.
type Definition struct {
	Pipeline Pipeline
	// Projects are those of the same stack, by name.
	Projects map[string]Project
	// ReportGroups of the same stack, by their names.
	ReportGroups []string
	// Structure tells versions of the pipeline apart: a rollback goes only to an
	// execution of the same one.
	Structure string
}

// Read evaluates the stack's pipeline as AWS would: with the parameters of the
// stack, but OnAws true, and with those that override them.
func Read(ctx context.Context, s Stack, override map[string]string) (Definition, error) {
	template, err := parse(s.Template)
	if err != nil {
		return Definition{}, err
	}
	in, err := newScope(s, template, override)
	if err != nil {
		return Definition{}, err
	}
	d := Definition{Projects: map[string]Project{}}
	resources, _ := template["Resources"].(map[string]any)
	for _, id := range slices.Sorted(maps.Keys(resources)) {
		r, _ := resources[id].(map[string]any)
		if err := d.add(ctx, in, r); err != nil {
			return Definition{}, fmt.Errorf("%s: %w", id, err)
		}
	}
	if d.Pipeline.Name == "" {
		return Definition{}, errors.New("the stack's template has no pipeline")
	}
	return d, d.check()
}

func newScope(s Stack, template map[string]any, override map[string]string) (*scope, error) {
	in := &scope{parameters: map[string]any{}, world: s.World}
	in.conditions, _ = template["Conditions"].(map[string]any)
	in.mappings, _ = template["Mappings"].(map[string]any)
	declared, _ := template["Parameters"].(map[string]any)
	given := maps.Clone(s.Parameters)
	if _, ok := declared["OnAws"]; ok {
		given["OnAws"] = "true"
	}
	for name, value := range override {
		if _, ok := declared[name]; !ok {
			return nil, fmt.Errorf("the stack's template has no parameter %s", name)
		}
		given[name] = value
	}
	for name, value := range given {
		p, _ := declared[name].(map[string]any)
		if allowed, ok := p["AllowedValues"].([]any); ok && !slices.ContainsFunc(allowed, func(v any) bool { return fmt.Sprint(v) == value }) {
			return nil, fmt.Errorf("%s cannot be %q; it is one of %v", name, value, allowed)
		}
		in.parameters[name] = parameter(fmt.Sprint(p["Type"]), value)
	}
	return in, nil
}

// add takes the stack's pipeline, its projects and the names of its report groups.
func (d *Definition) add(ctx context.Context, in *scope, resource map[string]any) error {
	typ, _ := resource["Type"].(string)
	if typ != pipelineType && typ != projectType && typ != reportType {
		return nil
	}
	if name, ok := resource["Condition"].(string); ok {
		if made, err := in.holds(ctx, name); err != nil || !made {
			return err
		}
	}
	if typ == reportType {
		name, err := in.value(ctx, dig(resource, "Properties")["Name"])
		d.ReportGroups = append(d.ReportGroups, fmt.Sprint(name))
		return err
	}
	properties, err := in.value(ctx, resource["Properties"])
	if err != nil {
		return err
	}
	raw, err := json.Marshal(written(properties))
	if err != nil {
		return fmt.Errorf("json.Marshal: %w", err)
	}
	if typ == projectType {
		var p Project
		if err := strict(raw, &p); err != nil {
			return err
		}
		d.Projects[p.Name] = p
		return nil
	}
	sum := sha256.Sum256(raw) // maps are written with their keys in order
	d.Structure = hex.EncodeToString(sum[:])
	return d.Pipeline.read(raw)
}

// strict refuses what it does not know.
func strict(raw []byte, into any) error {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("not known here: %w", err)
	}
	return nil
}

// written makes all values the strings as which CloudFormation takes them, for
// true and "true", 1 and a parameter of the value 1 are the same to it.
func written(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, member := range v {
			v[key] = written(member)
		}
		return v
	case []any:
		for i, member := range v {
			v[i] = written(member)
		}
		return v
	}
	return fmt.Sprint(v)
}
