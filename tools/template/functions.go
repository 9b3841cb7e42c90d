package template

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

var (
	placeholder = regexp.MustCompile(`\$\{(!?)([^}]+)\}`)
	reference   = regexp.MustCompile(`\{\{resolve:([a-z-]+):([^}]*)\}\}`)
)

// function is one function of CloudFormation, such as Fn::Sub.
type function func(e *Evaluator, ctx context.Context, arg *yaml.Node) (any, error)

// functions are the supported ones; all others are refused by name.
func functions() map[string]function {
	return map[string]function{
		"Ref": (*Evaluator).ref, "Condition": (*Evaluator).condition, "And": (*Evaluator).and, "Or": (*Evaluator).or, "Not": (*Evaluator).not,
		"Equals": (*Evaluator).equals, "FindInMap": (*Evaluator).findInMap, "GetAtt": (*Evaluator).getAtt, "If": (*Evaluator).choose,
		"Join": (*Evaluator).join, "Select": (*Evaluator).pick, "Split": (*Evaluator).split, "Sub": (*Evaluator).sub,
	}
}

func (e *Evaluator) ref(ctx context.Context, arg *yaml.Node) (any, error) {
	if arg.Value == "AWS::NoValue" {
		return nothing{}, nil
	}
	if v, ok := e.parameters[arg.Value]; ok {
		return v, nil
	}
	return e.attribute(ctx, arg.Value, "Ref")
}

func (e *Evaluator) getAtt(ctx context.Context, arg *yaml.Node) (any, error) {
	if resource, attribute, ok := strings.Cut(arg.Value, "."); ok {
		return e.attribute(ctx, resource, attribute)
	}
	parts, err := e.texts(ctx, "Fn::GetAtt", arg, 2)
	if err != nil {
		return nil, err
	}
	return e.attribute(ctx, parts[0], parts[1])
}

func (e *Evaluator) attribute(ctx context.Context, resource, attribute string) (string, error) {
	if e.resolver == nil {
		return "", fmt.Errorf("%s of %s: %w", attribute, resource, ErrUnresolved)
	}
	return e.resolver.Attribute(ctx, resource, attribute)
}

func (e *Evaluator) condition(ctx context.Context, arg *yaml.Node) (any, error) {
	body := Get(e.template.Root, "Conditions", arg.Value)
	if body == nil {
		return nil, fmt.Errorf("the template has no condition %q", arg.Value)
	}
	if slices.Contains(e.within, arg.Value) {
		return nil, fmt.Errorf("the condition %q depends on itself", arg.Value)
	}
	e.within = append(e.within, arg.Value)
	defer func() { e.within = e.within[:len(e.within)-1] }()
	return e.value(ctx, body)
}

// holds evaluates a condition, given by its name or as an expression.
func (e *Evaluator) holds(ctx context.Context, n *yaml.Node) (bool, error) {
	evaluate := e.value
	if name, _ := call(n); name == "" && n.Kind == yaml.ScalarNode {
		evaluate = e.condition
	}
	got, err := evaluate(ctx, n)
	if err != nil {
		return false, err
	}
	yes, ok := got.(bool)
	if !ok {
		return false, fmt.Errorf("a condition is %v, not true or false", got)
	}
	return yes, nil
}

// contains reports whether one of the conditions in a list has the value want.
func (e *Evaluator) contains(ctx context.Context, arg *yaml.Node, want bool) (bool, error) {
	if arg.Kind != yaml.SequenceNode {
		return false, errors.New("a condition function needs a list")
	}
	found := false
	for _, n := range arg.Content {
		yes, err := e.holds(ctx, n)
		if err != nil {
			return false, err
		}
		found = found || yes == want
	}
	return found, nil
}

func (e *Evaluator) and(ctx context.Context, arg *yaml.Node) (any, error) {
	found, err := e.contains(ctx, arg, false)
	return !found, err
}

func (e *Evaluator) or(ctx context.Context, arg *yaml.Node) (any, error) {
	return e.contains(ctx, arg, true)
}

func (e *Evaluator) not(ctx context.Context, arg *yaml.Node) (any, error) {
	return e.contains(ctx, arg, false)
}

func (e *Evaluator) equals(ctx context.Context, arg *yaml.Node) (any, error) {
	parts, err := e.texts(ctx, "Fn::Equals", arg, 2)
	if err != nil {
		return nil, err
	}
	return parts[0] == parts[1], nil
}

func (e *Evaluator) choose(ctx context.Context, arg *yaml.Node) (any, error) {
	if len(arg.Content) != 3 {
		return nil, fmt.Errorf("Fn::If needs a condition and two values, not %d values", len(arg.Content))
	}
	yes, err := e.holds(ctx, arg.Content[0])
	if err != nil {
		return nil, err
	}
	if yes {
		return e.value(ctx, arg.Content[1])
	}
	return e.value(ctx, arg.Content[2])
}

func (e *Evaluator) findInMap(ctx context.Context, arg *yaml.Node) (any, error) {
	keys, err := e.texts(ctx, "Fn::FindInMap", arg, 3)
	if err != nil {
		return nil, err
	}
	found := Get(Get(e.template.Root, "Mappings"), keys...)
	if found == nil {
		return nil, fmt.Errorf("Fn::FindInMap: the template has no %s", strings.Join(keys, "."))
	}
	return e.value(ctx, found)
}

func (e *Evaluator) join(ctx context.Context, arg *yaml.Node) (any, error) {
	if len(arg.Content) != 2 {
		return nil, errors.New("Fn::Join needs a separator and a list")
	}
	parts, err := e.texts(ctx, "Fn::Join", arg.Content[1], -1)
	if err != nil {
		return nil, err
	}
	return strings.Join(parts, arg.Content[0].Value), nil
}

func (e *Evaluator) split(ctx context.Context, arg *yaml.Node) (any, error) {
	parts, err := e.texts(ctx, "Fn::Split", arg, 2)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, part := range strings.Split(parts[1], parts[0]) {
		out = append(out, part)
	}
	return out, nil
}

func (e *Evaluator) pick(ctx context.Context, arg *yaml.Node) (any, error) {
	if len(arg.Content) != 2 {
		return nil, errors.New("Fn::Select needs an index and a list")
	}
	from, err := e.texts(ctx, "Fn::Select", arg.Content[1], -1)
	if err != nil {
		return nil, err
	}
	i, err := strconv.Atoi(arg.Content[0].Value)
	if err != nil || i < 0 || i >= len(from) {
		return nil, fmt.Errorf("Fn::Select: no element %s in %v", arg.Content[0].Value, from)
	}
	return from[i], nil
}

// texts evaluates a list to strings. The length -1 means any length.
func (e *Evaluator) texts(ctx context.Context, of string, arg *yaml.Node, length int) ([]string, error) {
	v, err := e.value(ctx, arg)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok || length >= 0 && len(list) != length {
		return nil, fmt.Errorf("%s cannot take %v", of, v)
	}
	var out []string
	for _, member := range list {
		switch member.(type) {
		case map[string]any, []any:
			return nil, fmt.Errorf("%s cannot take %v", of, member)
		}
		out = append(out, fmt.Sprint(member))
	}
	return out, nil
}

func (e *Evaluator) sub(ctx context.Context, arg *yaml.Node) (any, error) {
	text, own := arg.Value, (*yaml.Node)(nil)
	if len(arg.Content) == 2 {
		text, own = arg.Content[0].Value, arg.Content[1]
	}
	if text == "" {
		return nil, errors.New("Fn::Sub needs a text")
	}
	var failed error
	out := placeholder.ReplaceAllStringFunc(text, func(m string) string {
		name := m[2 : len(m)-1]
		if name[0] == '!' { // a literal ${
			return "${" + name[1:] + "}"
		}
		v, err := e.named(ctx, name, own)
		if err != nil && failed == nil {
			failed = err
		}
		return fmt.Sprint(v)
	})
	if failed != nil {
		return nil, failed
	}
	return e.dynamic(ctx, out)
}

// named evaluates ${name}.
func (e *Evaluator) named(ctx context.Context, name string, own *yaml.Node) (any, error) {
	if n := Get(own, name); n != nil {
		return e.value(ctx, n)
	}
	if resource, attribute, dotted := strings.Cut(name, "."); dotted {
		return e.attribute(ctx, resource, attribute)
	}
	return e.ref(ctx, &yaml.Node{Value: name})
}

// dynamic resolves dynamic references to SSM parameters.
func (e *Evaluator) dynamic(ctx context.Context, text string) (any, error) {
	var failed error
	out := reference.ReplaceAllStringFunc(text, func(m string) string {
		kind, name, _ := strings.Cut(m[len("{{resolve:"):len(m)-2], ":")
		if kind != "ssm" {
			failed = fmt.Errorf("{{resolve:%s}} is not supported: %w", kind, ErrUnresolved)
			return ""
		}
		if e.resolver == nil {
			failed = fmt.Errorf("the SSM parameter %s: %w", name, ErrUnresolved)
			return ""
		}
		v, err := e.resolver.Parameter(ctx, name)
		if err != nil && failed == nil {
			failed = err
		}
		return v
	})
	return out, failed
}
