package template

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode converts a value to maps, lists, strings, numbers and booleans. Short forms
// such as !Sub become the long forms.
func decode(n *yaml.Node) (any, error) {
	v, err := plain(n)
	if err != nil || !strings.HasPrefix(n.Tag, "!") || strings.HasPrefix(n.Tag, "!!") {
		return v, err
	}
	name := n.Tag[1:]
	switch name {
	case "Ref", "Condition":
	case "GetAtt":
		if s, ok := v.(string); ok { // !GetAtt Resource.Attribute
			v = dotted(s)
		}
		fallthrough
	default:
		name = "Fn::" + name
	}
	return map[string]any{name: v}, nil
}

// dotted is the list form of Resource.Attribute.
func dotted(text string) []any {
	resource, attribute, _ := strings.Cut(text, ".")
	return []any{resource, attribute}
}

// plain converts a node without regard to its own tag.
func plain(n *yaml.Node) (any, error) {
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			v, err := decode(n.Content[i+1])
			if err != nil {
				return nil, err
			}
			m[n.Content[i].Value] = v
		}
		return m, nil
	case yaml.SequenceNode:
		list := []any{}
		for _, c := range n.Content {
			v, err := decode(c)
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
