package repository

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/template"
)

// Statements returns the policy statements anywhere below a node.
func Statements(n *yaml.Node) []*yaml.Node {
	var out []*yaml.Node
	template.Walk(n, func(s *yaml.Node) {
		if template.Get(s, "Effect") != nil && (template.Get(s, "Action") != nil || template.Get(s, "NotAction") != nil) {
			out = append(out, s)
		}
	})
	return out
}

// Principals returns all principals of a statement, of every kind.
func Principals(s *yaml.Node) []string {
	p := template.Get(s, "Principal")
	if p == nil {
		return nil
	}
	if p.Kind != yaml.MappingNode {
		return []string{template.Text(p)}
	}
	var out []string
	for _, value := range template.Pairs(p) {
		out = append(out, template.Texts(value)...)
	}
	return out
}

// Condition returns the value of a condition key under any operator, and whether it exists.
func Condition(s *yaml.Node, name string) (string, bool) {
	for _, operator := range template.Pairs(template.Get(s, "Condition")) {
		for key, value := range template.Pairs(operator) {
			if strings.EqualFold(key.Value, name) {
				return strings.Join(template.Texts(value), " "), true
			}
		}
	}
	return "", false
}

// OwnRole returns the role of the template that a function names, or false if SAM makes
// its role.
func OwnRole(f template.Resource) (template.Resource, bool) {
	for _, r := range f.Resources("AWS::IAM::Role") {
		if template.Text(f.Prop("Role")) == "att:"+r.ID+".Arn" {
			return r, true
		}
	}
	return f, false
}

// Grants returns the resources on which a function's policies allow an action.
func Grants(f template.Resource, action string) []string {
	var out []string
	role, _ := OwnRole(f)
	for _, s := range Statements(role.Prop("Policies")) {
		if slices.Contains(template.Texts(template.Get(s, "Action")), action) {
			out = append(out, template.Texts(template.Get(s, "Resource"))...)
		}
	}
	return out
}

// Mention reports whether one of the resources contains a word, in any case.
func Mention(resources []string, word string) bool {
	return slices.ContainsFunc(resources, func(r string) bool { return strings.Contains(strings.ToLower(r), word) })
}

// Outbox reports whether one of the resources is the outbox, and not its dead-letter queue.
func Outbox(resources []string) bool {
	return slices.ContainsFunc(resources, func(r string) bool {
		return Mention([]string{r}, "outbox") && !Mention([]string{r}, "dlq")
	})
}

// Flat returns a value as one line, whatever its layout in the template.
func Flat(n *yaml.Node) string {
	var parts []string
	for key, value := range template.Pairs(n) {
		parts = append(parts, key.Value+"="+Flat(value))
	}
	switch {
	case n.Kind == yaml.MappingNode:
		return "{" + strings.Join(parts, " ") + "}"
	case n.Kind != yaml.SequenceNode:
		return template.Text(n)
	case n.Tag == "!GetAtt":
		return template.Text(n)
	}
	for _, item := range n.Content {
		parts = append(parts, Flat(item))
	}
	if tag := strings.TrimPrefix(n.Tag, "!!seq"); tag != "" {
		return tag + "[" + strings.Join(parts, " ") + "]"
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}
