package repository

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

// Text returns a value in a form in which equal values compare equal: a string and a
// !Sub as the string, !Ref X as "ref:X", !GetAtt X.Y as "att:X.Y".
func Text(n *yaml.Node) string {
	if n == nil {
		return ""
	}
	switch n.Tag {
	case "!Ref":
		return "ref:" + n.Value
	case "!GetAtt":
		if n.Kind == yaml.SequenceNode {
			return "att:" + strings.Join(Texts(&yaml.Node{Kind: yaml.SequenceNode, Content: n.Content}), ".")
		}
		return "att:" + n.Value
	case "!Sub":
		if n.Kind == yaml.SequenceNode && len(n.Content) > 0 {
			return n.Content[0].Value
		}
	}
	if n.Kind == yaml.ScalarNode {
		return n.Value
	}
	for _, long := range []struct{ key, prefix string }{{"Ref", "ref:"}, {"Fn::GetAtt", "att:"}, {"Fn::Sub", ""}} {
		if v := Get(n, long.key); v != nil && v.Kind == yaml.ScalarNode {
			return long.prefix + v.Value
		}
	}
	return ""
}

// Texts returns the texts of a list, or of a single value as a list of one. It includes
// both branches of an !If.
func Texts(n *yaml.Node) []string {
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode || n.Tag == "!GetAtt" || n.Tag == "!Sub" {
		return []string{Text(n)}
	}
	var out []string
	for i, item := range n.Content {
		if n.Tag == "!If" && i == 0 {
			continue
		}
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
