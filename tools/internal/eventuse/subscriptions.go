package eventuse

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// all is what a subscription without a filter on the type asks for.
const all = ""

// template is the part of a template that says who listens to what.
type template struct {
	Resources map[string]struct {
		Type       string    `yaml:"Type"`
		Properties yaml.Node `yaml:"Properties"`
	} `yaml:"Resources"`
}

// inTemplate finds the types that subscriptions to the topic and rules on the bus
// let through.
func inTemplate(root, path string, known []string) ([]Use, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	var doc template
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		return nil, fmt.Errorf("yaml.Unmarshal %s: %w", path, err)
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return nil, fmt.Errorf("filepath.Rel: %w", err)
	}
	var uses []Use
	for id, r := range doc.Resources {
		wanted := subscribed(r.Type, &r.Properties)
		wanted = append(wanted, patterns(&r.Properties)...)
		for _, typ := range known {
			if slices.ContainsFunc(wanted, func(prefix string) bool { return strings.HasPrefix(typ, prefix) }) {
				uses = append(uses, Use{Type: typ, Where: filepath.ToSlash(rel) + " " + id})
			}
		}
	}
	return uses, nil
}

// subscribed are the beginnings of the types that a subscription lets through. A
// queue or a function that subscribes to a topic gets events, a person gets alarms.
func subscribed(typ string, properties *yaml.Node) []string {
	if protocol := scalar(get(properties, "Protocol")); typ != "AWS::SNS::Subscription" || protocol != "sqs" && protocol != "lambda" {
		return nil
	}
	filter := get(get(properties, "FilterPolicy"), "type")
	if filter == nil {
		return []string{all}
	}
	return texts(filter)
}

// patterns are the detail types of EventBridge patterns, in rules and in the
// events of functions, that are Gatehouse's.
func patterns(node *yaml.Node) []string {
	if node == nil {
		return nil
	}
	var out []string
	if node.Kind == yaml.MappingNode {
		if detail := get(node, "detail-type"); detail != nil {
			out = append(out, slices.DeleteFunc(texts(detail), func(s string) bool { return !strings.HasPrefix(s, "gatehouse.") })...)
		}
	}
	for _, child := range node.Content {
		out = append(out, patterns(child)...)
	}
	return out
}

// texts are the values of a filter: whole types, or the beginning of some. What
// is filtered in any other way may be any type.
func texts(filter *yaml.Node) []string {
	var out []string
	for _, value := range filter.Content {
		switch {
		case value.Kind == yaml.ScalarNode:
			out = append(out, value.Value)
		case get(value, "prefix") != nil:
			out = append(out, get(value, "prefix").Value)
		default:
			out = append(out, all)
		}
	}
	return out
}

func get(node *yaml.Node, name string) *yaml.Node {
	if node == nil || node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == name {
			return node.Content[i+1]
		}
	}
	return nil
}

func scalar(node *yaml.Node) string {
	if node == nil {
		return ""
	}
	return node.Value
}
