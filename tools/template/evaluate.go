package pipeline

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Resolver returns values that are not in the template.
type Resolver interface {
	// Parameter returns the value of an SSM parameter.
	Parameter(ctx context.Context, name string) (string, error)
	// Attribute returns an attribute of a resource of the stack. The attribute
	// Ref is the resource's id.
	Attribute(ctx context.Context, resource, attribute string) (string, error)
}

// scope evaluates the functions of one template.
type scope struct {
	parameters map[string]any // strings, and lists of them
	conditions map[string]any
	mappings   map[string]any
	resolver   Resolver
}

var (
	placeholder = regexp.MustCompile(`\$\{(!?)([^}]+)\}`)
	reference   = regexp.MustCompile(`\{\{resolve:([a-z-]+):([^}]*)\}\}`)
)

// nothing is the value of AWS::NoValue: the property is omitted.
type nothing struct{}

// function is one function of CloudFormation, such as Fn::Sub.
type function func(s *scope, ctx context.Context, arg any) (any, error)

// functions are the supported ones; all others are refused by name.
func functions() map[string]function {
	return map[string]function{
		"Ref": (*scope).ref, "Condition": (*scope).condition,
		"Fn::And": (*scope).and, "Fn::Or": (*scope).or, "Fn::Not": (*scope).not, "Fn::Equals": (*scope).equals,
		"Fn::FindInMap": (*scope).findInMap, "Fn::GetAtt": (*scope).getAtt, "Fn::If": (*scope).choose,
		"Fn::Join": (*scope).join, "Fn::Select": (*scope).pick, "Fn::Split": (*scope).split, "Fn::Sub": (*scope).sub,
	}
}

// value evaluates any value of a template.
func (s *scope) value(ctx context.Context, v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if name, arg, ok := intrinsic(v); ok {
			f := functions()[name]
			if f == nil {
				return nil, fmt.Errorf("the function %s is not supported", name)
			}
			return f(s, ctx, arg)
		}
		out := map[string]any{}
		for key, member := range v {
			got, err := s.value(ctx, member)
			if err != nil {
				return nil, err
			}
			if got != (nothing{}) {
				out[key] = got
			}
		}
		return out, nil
	case []any:
		out := []any{}
		for _, member := range v {
			got, err := s.value(ctx, member)
			if err != nil {
				return nil, err
			}
			if got != any(nothing{}) {
				out = append(out, got)
			}
		}
		return out, nil
	case string:
		return s.dynamic(ctx, v)
	}
	return v, nil
}

// intrinsic reports whether a mapping is the call of a function.
func intrinsic(m map[string]any) (name string, arg any, ok bool) {
	if len(m) != 1 {
		return "", nil, false
	}
	for name, arg = range m {
		ok = name == "Ref" || name == "Condition" && isString(arg) || strings.HasPrefix(name, "Fn::")
	}
	return name, arg, ok
}

func isString(v any) bool {
	_, ok := v.(string)
	return ok
}

func (s *scope) ref(ctx context.Context, arg any) (any, error) {
	name, _ := arg.(string)
	if name == "AWS::NoValue" {
		return nothing{}, nil
	}
	if v, ok := s.parameters[name]; ok {
		return v, nil
	}
	return s.resolver.Attribute(ctx, name, "Ref")
}

func (s *scope) getAtt(ctx context.Context, arg any) (any, error) {
	parts, err := s.texts(ctx, "Fn::GetAtt", arg, 2)
	if err != nil {
		return nil, err
	}
	return s.resolver.Attribute(ctx, parts[0], parts[1])
}

func (s *scope) condition(ctx context.Context, arg any) (any, error) {
	name, _ := arg.(string)
	body, ok := s.conditions[name]
	if !ok {
		return nil, fmt.Errorf("the template has no condition %q", name)
	}
	return s.value(ctx, body)
}

// holds evaluates a condition, given by its name or as an expression.
func (s *scope) holds(ctx context.Context, v any) (bool, error) {
	if name, ok := v.(string); ok {
		v = map[string]any{"Condition": name}
	}
	got, err := s.value(ctx, v)
	if err != nil {
		return false, err
	}
	yes, ok := got.(bool)
	if !ok {
		return false, fmt.Errorf("a condition is %v, not true or false", got)
	}
	return yes, nil
}

func (s *scope) all(ctx context.Context, arg any) ([]bool, error) {
	list, ok := arg.([]any)
	if !ok {
		return nil, fmt.Errorf("a condition function needs a list, not %v", arg)
	}
	var out []bool
	for _, v := range list {
		yes, err := s.holds(ctx, v)
		if err != nil {
			return nil, err
		}
		out = append(out, yes)
	}
	return out, nil
}

func (s *scope) and(ctx context.Context, arg any) (any, error) {
	all, err := s.all(ctx, arg)
	return !slices.Contains(all, false), err
}

func (s *scope) or(ctx context.Context, arg any) (any, error) {
	all, err := s.all(ctx, arg)
	return slices.Contains(all, true), err
}

func (s *scope) not(ctx context.Context, arg any) (any, error) {
	all, err := s.all(ctx, arg)
	return slices.Contains(all, false), err
}

func (s *scope) equals(ctx context.Context, arg any) (any, error) {
	parts, err := s.texts(ctx, "Fn::Equals", arg, 2)
	if err != nil {
		return nil, err
	}
	return parts[0] == parts[1], nil
}

func (s *scope) choose(ctx context.Context, arg any) (any, error) {
	list, ok := arg.([]any)
	if !ok || len(list) != 3 {
		return nil, fmt.Errorf("Fn::If needs a condition and two values, not %v", arg)
	}
	yes, err := s.holds(ctx, list[0])
	if err != nil {
		return nil, err
	}
	if yes {
		return s.value(ctx, list[1])
	}
	return s.value(ctx, list[2])
}

func (s *scope) findInMap(ctx context.Context, arg any) (any, error) {
	keys, err := s.texts(ctx, "Fn::FindInMap", arg, 3)
	if err != nil {
		return nil, err
	}
	at := any(s.mappings)
	for _, key := range keys {
		m, _ := at.(map[string]any)
		if at = m[key]; at == nil {
			return nil, fmt.Errorf("Fn::FindInMap: the template has no %s", strings.Join(keys, "."))
		}
	}
	return at, nil
}

func (s *scope) join(ctx context.Context, arg any) (any, error) {
	list, ok := arg.([]any)
	if !ok || len(list) != 2 {
		return nil, fmt.Errorf("Fn::Join needs a separator and a list, not %v", arg)
	}
	parts, err := s.texts(ctx, "Fn::Join", list[1], -1)
	if err != nil {
		return nil, err
	}
	return strings.Join(parts, fmt.Sprint(list[0])), nil
}

func (s *scope) split(ctx context.Context, arg any) (any, error) {
	parts, err := s.texts(ctx, "Fn::Split", arg, 2)
	if err != nil {
		return nil, err
	}
	out := []any{}
	for _, part := range strings.Split(parts[1], parts[0]) {
		out = append(out, part)
	}
	return out, nil
}

func (s *scope) pick(ctx context.Context, arg any) (any, error) {
	list, ok := arg.([]any)
	if !ok || len(list) != 2 {
		return nil, fmt.Errorf("Fn::Select needs an index and a list, not %v", arg)
	}
	from, err := s.texts(ctx, "Fn::Select", list[1], -1)
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
func (s *scope) texts(ctx context.Context, of string, arg any, length int) ([]string, error) {
	v, err := s.value(ctx, arg)
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

func (s *scope) sub(ctx context.Context, arg any) (any, error) {
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
		v, err := s.named(ctx, name, own)
		if err != nil && failed == nil {
			failed = err
		}
		return fmt.Sprint(v)
	})
	if failed != nil {
		return nil, failed
	}
	return s.dynamic(ctx, out)
}

// named evaluates ${name}.
func (s *scope) named(ctx context.Context, name string, own map[string]any) (any, error) {
	if v, ok := own[name]; ok {
		return s.value(ctx, v)
	}
	if resource, attribute, dotted := strings.Cut(name, "."); dotted {
		return s.resolver.Attribute(ctx, resource, attribute)
	}
	return s.ref(ctx, name)
}

// dynamic resolves dynamic references to SSM parameters.
func (s *scope) dynamic(ctx context.Context, text string) (any, error) {
	var failed error
	out := reference.ReplaceAllStringFunc(text, func(m string) string {
		kind, name, _ := strings.Cut(m[len("{{resolve:"):len(m)-2], ":")
		if kind != "ssm" {
			failed = fmt.Errorf("{{resolve:%s}} is not supported", kind)
			return ""
		}
		v, err := s.resolver.Parameter(ctx, name)
		if err != nil && failed == nil {
			failed = err
		}
		return v
	})
	return out, failed
}
