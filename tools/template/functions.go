package template

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	placeholder = regexp.MustCompile(`\$\{(!?)([^}]+)\}`)
	reference   = regexp.MustCompile(`\{\{resolve:([a-z-]+):([^}]*)\}\}`)
)

// function is one function of CloudFormation, such as Fn::Sub.
type function func(e *Evaluator, ctx context.Context, arg any) (any, error)

// functions are the supported ones; all others are refused by name.
func functions() map[string]function {
	return map[string]function{
		"Ref": (*Evaluator).ref, "Condition": (*Evaluator).condition,
		"Fn::And": (*Evaluator).and, "Fn::Or": (*Evaluator).or, "Fn::Not": (*Evaluator).not, "Fn::Equals": (*Evaluator).equals,
		"Fn::FindInMap": (*Evaluator).findInMap, "Fn::GetAtt": (*Evaluator).getAtt, "Fn::If": (*Evaluator).choose,
		"Fn::Join": (*Evaluator).join, "Fn::Select": (*Evaluator).pick, "Fn::Split": (*Evaluator).split, "Fn::Sub": (*Evaluator).sub,
	}
}

func (e *Evaluator) ref(ctx context.Context, arg any) (any, error) {
	name, _ := arg.(string)
	if name == "AWS::NoValue" {
		return nothing{}, nil
	}
	if v, ok := e.parameters[name]; ok {
		return v, nil
	}
	return e.attribute(ctx, name, "Ref")
}

func (e *Evaluator) getAtt(ctx context.Context, arg any) (any, error) {
	if text, ok := arg.(string); ok {
		arg = dotted(text)
	}
	parts, err := e.texts(ctx, "Fn::GetAtt", arg, 2)
	if err != nil {
		return nil, err
	}
	return e.attribute(ctx, parts[0], parts[1])
}

func (e *Evaluator) condition(ctx context.Context, arg any) (any, error) {
	name, _ := arg.(string)
	body, ok := e.conditions[name]
	if !ok {
		return nil, fmt.Errorf("the template has no condition %q", name)
	}
	if slices.Contains(e.within, name) {
		return nil, fmt.Errorf("the condition %q depends on itself", name)
	}
	e.within = append(e.within, name)
	defer func() { e.within = e.within[:len(e.within)-1] }()
	return e.value(ctx, body)
}

// holds evaluates a condition, given by its name or as an expression.
func (e *Evaluator) holds(ctx context.Context, v any) (bool, error) {
	if name, ok := v.(string); ok {
		v = map[string]any{"Condition": name}
	}
	got, err := e.value(ctx, v)
	if err != nil {
		return false, err
	}
	yes, ok := got.(bool)
	if !ok {
		return false, fmt.Errorf("a condition is %v, not true or false", got)
	}
	return yes, nil
}

func (e *Evaluator) all(ctx context.Context, arg any) ([]bool, error) {
	list, ok := arg.([]any)
	if !ok {
		return nil, fmt.Errorf("a condition function needs a list, not %v", arg)
	}
	var out []bool
	for _, v := range list {
		yes, err := e.holds(ctx, v)
		if err != nil {
			return nil, err
		}
		out = append(out, yes)
	}
	return out, nil
}

func (e *Evaluator) and(ctx context.Context, arg any) (any, error) {
	all, err := e.all(ctx, arg)
	return !slices.Contains(all, false), err
}

func (e *Evaluator) or(ctx context.Context, arg any) (any, error) {
	all, err := e.all(ctx, arg)
	return slices.Contains(all, true), err
}

func (e *Evaluator) not(ctx context.Context, arg any) (any, error) {
	all, err := e.all(ctx, arg)
	return slices.Contains(all, false), err
}

func (e *Evaluator) equals(ctx context.Context, arg any) (any, error) {
	parts, err := e.texts(ctx, "Fn::Equals", arg, 2)
	if err != nil {
		return nil, err
	}
	return parts[0] == parts[1], nil
}

func (e *Evaluator) choose(ctx context.Context, arg any) (any, error) {
	list, ok := arg.([]any)
	if !ok || len(list) != 3 {
		return nil, fmt.Errorf("Fn::If needs a condition and two values, not %v", arg)
	}
	yes, err := e.holds(ctx, list[0])
	if err != nil {
		return nil, err
	}
	if yes {
		return e.value(ctx, list[1])
	}
	return e.value(ctx, list[2])
}

func (e *Evaluator) findInMap(ctx context.Context, arg any) (any, error) {
	keys, err := e.texts(ctx, "Fn::FindInMap", arg, 3)
	if err != nil {
		return nil, err
	}
	at := any(e.mappings)
	for _, key := range keys {
		m, _ := at.(map[string]any)
		if at = m[key]; at == nil {
			return nil, fmt.Errorf("Fn::FindInMap: the template has no %s", strings.Join(keys, "."))
		}
	}
	return at, nil
}

func (e *Evaluator) join(ctx context.Context, arg any) (any, error) {
	list, ok := arg.([]any)
	if !ok || len(list) != 2 {
		return nil, fmt.Errorf("Fn::Join needs a separator and a list, not %v", arg)
	}
	parts, err := e.texts(ctx, "Fn::Join", list[1], -1)
	if err != nil {
		return nil, err
	}
	return strings.Join(parts, fmt.Sprint(list[0])), nil
}

func (e *Evaluator) split(ctx context.Context, arg any) (any, error) {
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

func (e *Evaluator) pick(ctx context.Context, arg any) (any, error) {
	list, ok := arg.([]any)
	if !ok || len(list) != 2 {
		return nil, fmt.Errorf("Fn::Select needs an index and a list, not %v", arg)
	}
	from, err := e.texts(ctx, "Fn::Select", list[1], -1)
	if err != nil {
		return nil, err
	}
	for i, v := range from {
		if fmt.Sprint(i) == fmt.Sprint(list[0]) {
			return v, nil
		}
	}
	return nil, fmt.Errorf("Fn::Select: no element %v in %v", list[0], from)
}

// texts evaluates a list to strings. The length -1 means any length.
func (e *Evaluator) texts(ctx context.Context, of string, arg any, length int) ([]string, error) {
	v, err := e.value(ctx, arg)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]any)
	if !ok || length >= 0 && len(list) != length {
		return nil, fmt.Errorf("%s cannot take %v", of, arg)
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

func (e *Evaluator) sub(ctx context.Context, arg any) (any, error) {
	text, own := "", map[string]any{}
	switch arg := arg.(type) {
	case string:
		text = arg
	case []any:
		if len(arg) == 2 {
			text, _ = arg[0].(string)
			own, _ = arg[1].(map[string]any)
		}
	}
	if text == "" {
		return nil, fmt.Errorf("Fn::Sub cannot take %v", arg)
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

// attribute asks the resolver for an attribute of a resource.
func (e *Evaluator) attribute(ctx context.Context, resource, attribute string) (string, error) {
	if e.resolver == nil {
		return "", fmt.Errorf("%s of %s: %w", attribute, resource, ErrUnresolved)
	}
	return e.resolver.Attribute(ctx, resource, attribute)
}

// named evaluates ${name}.
func (e *Evaluator) named(ctx context.Context, name string, own map[string]any) (any, error) {
	if v, ok := own[name]; ok {
		return e.value(ctx, v)
	}
	if resource, attribute, dotted := strings.Cut(name, "."); dotted {
		return e.attribute(ctx, resource, attribute)
	}
	return e.ref(ctx, name)
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
