package pipeline

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parse reads a template into maps, lists, strings, numbers and booleans. Short
// forms such as !Sub become the long forms.
func parse(body string) (map[string]any, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(body), &doc); err != nil {
		return nil, fmt.Errorf("yaml.Unmarshal: %w", err)
	}
	if len(doc.Content) != 1 {
		return nil, fmt.Errorf("the template is empty")
	}
	v, err := value(doc.Content[0])
	if err != nil {
		return nil, err
	}
	m, ok := v.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the template is not a mapping")
	}
	return m, nil
}

func value(n *yaml.Node) (any, error) {
	v, err := plain(n)
	if err != nil || !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return v, err
	}
	name := n.Tag[1:]
	switch name {
	case "Ref", "Condition":
	case "GetAtt":
		if s, ok := v.(string); ok { // !GetAtt Resource.Attribute
			resource, attribute, _ := strings.Cut(s, ".")
			v = []any{resource, attribute}
		}
		fallthrough
	default:
		name = "Fn::" + name
	}
	return map[string]any{name: v}, nil
}

func plain(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.AliasNode: // may contain itself
		return nil, fmt.Errorf("line %d: YAML aliases are not supported", n.Line)
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, err := value(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[n.Content[i].Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := value(c)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	default:
		return scalar(n)
	}
}

func scalar(n *yaml.Node) (any, error) {
	if strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!") {
		return n.Value, nil
	}
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, fmt.Errorf("yaml.Node.Decode: %w", err)
		}
		return v, nil
	}
	return n.Value, nil // including dates, such as the version of a policy
}
