package dataloss

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"go.yaml.in/yaml/v3"
)

// policies are a resource's DeletionPolicy and UpdateReplacePolicy.
type policies map[string]string

func (p policies) keeps(name string) bool {
	return strings.HasPrefix(p[name], "Retain") || p[name] == "Snapshot"
}

// template is what counts of a template here.
type template struct {
	types    map[string]string
	policies map[string]policies
	// nested are the properties of nested stacks.
	nested map[string]nestedStack
}

// nestedStack is where the template lies, plain or by a parameter of the parent,
// and those parameters that are plain or a parameter of the parent.
type nestedStack struct {
	url, urlRef    string
	literals, refs map[string]string
}

// template reads the stack's template, or that of its change set.
func (f Finder) template(ctx context.Context, stack string, changeSet *string) (template, error) {
	in := &cloudformation.GetTemplateInput{StackName: &stack, ChangeSetName: changeSet, TemplateStage: types.TemplateStageProcessed}
	out, err := f.API.GetTemplate(ctx, in)
	if err != nil {
		return template{}, fmt.Errorf("cloudformation.GetTemplate: %w", err)
	}
	return parse([]byte(aws.ToString(out.TemplateBody)))
}

func parse(text []byte) (template, error) {
	var doc struct {
		Resources map[string]struct {
			Type                string    `yaml:"Type"`
			DeletionPolicy      yaml.Node `yaml:"DeletionPolicy"`
			UpdateReplacePolicy yaml.Node `yaml:"UpdateReplacePolicy"`
			Properties          yaml.Node `yaml:"Properties"`
		} `yaml:"Resources"`
	}
	if err := yaml.Unmarshal(text, &doc); err != nil {
		return template{}, fmt.Errorf("yaml.Unmarshal: %w", err)
	}
	t := template{types: map[string]string{}, policies: map[string]policies{}, nested: map[string]nestedStack{}}
	for id, r := range doc.Resources {
		t.types[id] = r.Type
		t.policies[id] = policies{"DeletionPolicy": r.DeletionPolicy.Value, "UpdateReplacePolicy": r.UpdateReplacePolicy.Value}
		if r.Type == nestedType {
			t.nested[id] = parseNested(&r.Properties)
		}
	}
	return t, nil
}

func parseNested(properties *yaml.Node) nestedStack {
	n := nestedStack{literals: map[string]string{}, refs: map[string]string{}}
	if url := get(properties, "TemplateURL"); url != nil {
		n.url, n.urlRef = value(url)
	}
	given := get(properties, "Parameters")
	if given == nil || given.Kind != yaml.MappingNode {
		return n
	}
	for i := 0; i+1 < len(given.Content); i += 2 {
		name := given.Content[i].Value
		if literal, ref := value(given.Content[i+1]); ref != "" {
			n.refs[name] = ref
		} else if plain(given.Content[i+1]) {
			n.literals[name] = literal
		}
	}
	return n
}

// value is a plain value, or the parameter that it is a Ref of.
func value(n *yaml.Node) (literal, ref string) {
	switch long := get(n, "Ref"); {
	case plain(n):
		return n.Value, ""
	case n.Tag == "!Ref":
		return "", n.Value
	case long != nil:
		return "", long.Value
	}
	return "", ""
}

// plain is a text, number or truth value without a function's short tag.
func plain(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && strings.HasPrefix(n.Tag, "!!")
}

func get(n *yaml.Node, name string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == name {
			return n.Content[i+1]
		}
	}
	return nil
}

// unprotected are the resources that stay, with less than they had against a
// deletion of the stack. The templates say it; a change set shows only that
// something about the policy changed, and on an empty one not even that.
func (f Finder) unprotected(l look) []Loss {
	var found []Loss
	for id, before := range l.old.policies {
		k, stateful := f.kinds[l.old.types[id]]
		after, stays := l.new.policies[id]
		if !stateful || !stays || l.new.types[id] != l.old.types[id] {
			continue
		}
		for _, name := range []string{"DeletionPolicy", "UpdateReplacePolicy"} {
			if !before.keeps(name) || after.keeps(name) {
				continue
			}
			becomes := after[name]
			if becomes == "" {
				becomes = "nothing"
			}
			found = append(found, Loss{
				Path: l.path + id, Type: l.old.types[id], What: Unprotected, Instead: advice(Unprotected, k, ""),
				Because: fmt.Sprintf("%s from %s to %s", name, before[name], becomes),
			})
		}
	}
	return found
}
