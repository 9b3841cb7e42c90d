package builder

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/template"
)

// all is the prefix of every type: a subscription without a filter on the type has it.
const all = ""

// inTemplate finds the types that subscriptions to the topic and rules on the bus
// match.
func inTemplate(root, path string, known []string) ([]eventUse, error) {
	t, err := template.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rel, err := filepath.Rel(root, path)
	if err != nil {
		return nil, fmt.Errorf("filepath.Rel: %w", err)
	}
	var uses []eventUse
	for _, r := range t.Resources("") {
		wanted := append(subscribed(r), patterns(r.Prop())...)
		for _, typ := range known {
			if slices.ContainsFunc(wanted, func(prefix string) bool { return strings.HasPrefix(typ, prefix) }) {
				uses = append(uses, eventUse{typ: typ, where: filepath.ToSlash(rel) + " " + r.ID})
			}
		}
	}
	return uses, nil
}

// subscribed returns the prefixes of the types that a subscription matches. Queues and
// functions that subscribe to a topic receive events, email addresses receive alarms.
func subscribed(r template.Resource) []string {
	if protocol := template.Text(r.Prop("Protocol")); r.Type != "AWS::SNS::Subscription" || protocol != "sqs" && protocol != "lambda" {
		return nil
	}
	filter := r.Prop("FilterPolicy", "type")
	if filter == nil {
		return []string{all}
	}
	return prefixes(filter)
}

// patterns returns Gatehouse's detail types in EventBridge patterns, which rules and
// the events of functions contain.
func patterns(node *yaml.Node) []string {
	var out []string
	template.Walk(node, func(n *yaml.Node) {
		for _, prefix := range prefixes(template.Get(n, "detail-type")) {
			if strings.HasPrefix(prefix, "gatehouse.") {
				out = append(out, prefix)
			}
		}
	})
	return out
}

// prefixes returns the values of a filter: whole types or prefixes. Any other kind
// of filter may match every type.
func prefixes(filter *yaml.Node) []string {
	if filter == nil {
		return nil
	}
	var out []string
	for _, value := range filter.Content {
		switch {
		case value.Kind == yaml.ScalarNode:
			out = append(out, value.Value)
		case template.Get(value, "prefix") != nil:
			out = append(out, template.Get(value, "prefix").Value)
		default:
			out = append(out, all)
		}
	}
	return out
}
