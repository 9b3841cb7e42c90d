package template

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"
)

// ErrUnresolved is in the error of each value that depends on what the Evaluator
// does not know: a resource, an SSM parameter, or an unsupported function.
var ErrUnresolved = errors.New("not resolved")

// Resolver returns values that are not in the template.
type Resolver interface {
	// Parameter returns the value of an SSM parameter.
	Parameter(ctx context.Context, name string) (string, error)
	// Attribute returns an attribute of a resource of the stack. The attribute
	// Ref is the resource's id.
	Attribute(ctx context.Context, resource, attribute string) (string, error)
}

// Evaluator evaluates the functions of one template.
type Evaluator struct {
	template   *Template
	parameters map[string]any // strings, and lists of them
	resolver   Resolver
	// within are the conditions that are being evaluated.
	within []string
}

// Evaluator evaluates values of the template with these parameters, pseudo
// parameters such as AWS::Region included, and with the default of each parameter
// that is not given. Without a resolver, resources and SSM parameters are unresolved.
func (t *Template) Evaluator(parameters map[string]string, resolver Resolver) *Evaluator {
	e := &Evaluator{template: t, parameters: map[string]any{}, resolver: resolver}
	for name, value := range parameters {
		e.parameters[name] = value
	}
	for _, p := range t.Parameters() {
		value, given := parameters[p.Name]
		switch {
		case given:
		case p.Default != nil:
			value = *p.Default
		default:
			continue
		}
		e.parameters[p.Name] = p.value(value)
	}
	return e
}

// value splits the value of a parameter that is declared as a list.
func (p Parameter) value(text string) any {
	if !strings.HasPrefix(p.Type, "List<") && p.Type != "CommaDelimitedList" {
		return text
	}
	out := []any{}
	for _, v := range strings.Split(text, ",") {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	}
	return out
}

// Value evaluates a value of the template: to a map[string]any, a []any, a string,
// a number, a boolean or nil. Members with the value AWS::NoValue are omitted.
func (e *Evaluator) Value(ctx context.Context, n *yaml.Node) (any, error) {
	if n == nil {
		return nil, nil
	}
	v, err := e.value(ctx, n)
	if v == any(nothing{}) {
		v = nil
	}
	return v, err
}

// Holds evaluates a condition, given by its name.
func (e *Evaluator) Holds(ctx context.Context, condition string) (bool, error) {
	return e.holds(ctx, &yaml.Node{Kind: yaml.ScalarNode, Value: condition})
}

// nothing is the value of AWS::NoValue: the property is omitted.
type nothing struct{}

func (e *Evaluator) value(ctx context.Context, n *yaml.Node) (any, error) {
	if name, arg := call(n); name != "" {
		if f := functions()[name]; f != nil {
			return f(e, ctx, arg)
		}
		return nil, fmt.Errorf("the function Fn::%s is not supported: %w", name, ErrUnresolved)
	}
	switch n.Kind {
	case yaml.MappingNode:
		out := map[string]any{}
		for key, member := range Pairs(n) {
			got, err := e.value(ctx, member)
			if err != nil {
				return nil, err
			}
			if got != any(nothing{}) {
				out[key.Value] = got
			}
		}
		return out, nil
	case yaml.SequenceNode:
		out := []any{}
		for _, member := range n.Content {
			got, err := e.value(ctx, member)
			if err != nil {
				return nil, err
			}
			if got != any(nothing{}) {
				out = append(out, got)
			}
		}
		return out, nil
	}
	switch n.Tag {
	case "!!int", "!!float", "!!bool", "!!null":
		var v any
		if err := n.Decode(&v); err != nil {
			return nil, fmt.Errorf("yaml.Node.Decode: %w", err)
		}
		return v, nil
	}
	return e.dynamic(ctx, n.Value) // including dates, such as the version of a policy
}
