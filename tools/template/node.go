package template

import (
	"iter"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Get follows keys through mappings. It returns nil if one is missing.
func Get(n *yaml.Node, path ...string) *yaml.Node {
	for _, name := range path {
		var next *yaml.Node
		for key, value := range Pairs(n) {
			if key.Value == name {
				next = value
			}
		}
		n = next
	}
	return n
}

// Pairs returns the keys and values of a mapping in their order.
func Pairs(n *yaml.Node) iter.Seq2[*yaml.Node, *yaml.Node] {
	return func(yield func(key, value *yaml.Node) bool) {
		if n == nil || n.Kind != yaml.MappingNode {
			return
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			if !yield(n.Content[i], n.Content[i+1]) {
				return
			}
		}
	}
}

// call returns the function that a node calls, such as Sub, and its argument. The
// name is empty for any other node.
func call(n *yaml.Node) (name string, arg *yaml.Node) {
	switch {
	case n == nil:
	case strings.HasPrefix(n.Tag, "!") && !strings.HasPrefix(n.Tag, "!!"):
		return n.Tag[1:], &yaml.Node{Kind: n.Kind, Value: n.Value, Content: n.Content, Line: n.Line}
	case n.Kind == yaml.MappingNode && len(n.Content) == 2:
		key := n.Content[0].Value
		if name, ok := strings.CutPrefix(key, "Fn::"); ok || key == "Ref" || key == "Condition" && n.Content[1].Kind == yaml.ScalarNode {
			return name, n.Content[1]
		}
	}
	return "", nil
}

// Text returns a value in a form in which equal values compare equal: a string and a
// !Sub as the string, !Ref X as "ref:X", !GetAtt X.Y as "att:X.Y".
func Text(n *yaml.Node) string {
	switch name, arg := call(n); name {
	case "Ref":
		return "ref:" + arg.Value
	case "GetAtt":
		return "att:" + strings.Join(Texts(arg), ".")
	case "Sub":
		if arg.Kind == yaml.SequenceNode && len(arg.Content) > 0 {
			return arg.Content[0].Value
		}
		return arg.Value
	}
	if n == nil || n.Kind != yaml.ScalarNode {
		return ""
	}
	return n.Value
}

// Texts returns the texts of a list, or of a single value as a list of one. It includes
// both branches of an !If.
func Texts(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	name, arg := call(n)
	items := n.Content
	if name == "If" && len(arg.Content) > 0 {
		items = arg.Content[1:]
	} else if n.Kind != yaml.SequenceNode || name == "GetAtt" || name == "Sub" {
		return []string{Text(n)}
	}
	var out []string
	for _, item := range items {
		out = append(out, Texts(item)...)
	}
	return out
}

// Walk visits a node and all below it.
func Walk(n *yaml.Node, visit func(*yaml.Node)) {
	if n == nil {
		return
	}
	visit(n)
	for _, child := range n.Content {
		Walk(child, visit)
	}
}
