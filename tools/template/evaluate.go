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

// Evaluator evaluates the functions of one template. Its zero value knows nothing.
type Evaluator struct {
	parameters map[string]any // strings, and lists of them
	conditions map[string]any
	mappings   map[string]any
	resolver   Resolver
	// within are the conditions that are being evaluated.
	within []string
}

// Evaluator evaluates values of the template with these parameters, pseudo
// parameters such as AWS::Region included, and with the default of each parameter
// that is not given. Without a resolver, resources and SSM parameters are unresolved.
func (t *Template) Evaluator(parameters map[string]string, resolver Resolver) (*Evaluator, error) {
	e := &Evaluator{parameters: map[string]any{}, resolver: resolver}
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
	for section, into := range map[string]*map[string]any{"Conditions": &e.conditions, "Mappings": &e.mappings} {
		if n := Get(t.Root, section); n != nil {
			v, err := plain(n)
			if err != nil {
				return nil, fmt.Errorf("%s: %s: %w", t.Path, section, err)
			}
			*into, _ = v.(map[string]any)
		}
	}
	return e, nil
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
	v, err := decode(n)
	if err != nil {
		return nil, err
	}
	if v, err = e.value(ctx, v); v == any(nothing{}) {
		v = nil
	}
	return v, err
}

// Holds evaluates a condition, given by its name.
func (e *Evaluator) Holds(ctx context.Context, condition string) (bool, error) {
	return e.holds(ctx, condition)
}

// nothing is the value of AWS::NoValue: the property is omitted.
type nothing struct{}

// value evaluates any value of a template.
func (e *Evaluator) value(ctx context.Context, v any) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if name, arg, ok := intrinsic(v); ok {
			f := functions()[name]
			if f == nil {
				return nil, fmt.Errorf("the function %s is not supported: %w", name, ErrUnresolved)
			}
			return f(e, ctx, arg)
		}
		out := map[string]any{}
		for key, member := range v {
			got, err := e.value(ctx, member)
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
			got, err := e.value(ctx, member)
			if err != nil {
				return nil, err
			}
			if got != any(nothing{}) {
				out = append(out, got)
			}
		}
		return out, nil
	case string:
		return e.dynamic(ctx, v)
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
