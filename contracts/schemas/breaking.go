package schemas

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
)

// Breaking lists the changes from one schema to the next that break a reader of the
// first. Such a change needs a new event type with the next version. New optional
// fields and new values of an enum break nothing: readers must expect them. Nor does
// an enum or a bound where there was none: it admits less than before. What the schema
// of [Open] still says may not change otherwise.
func Breaking(before, now []byte) ([]string, error) {
	var old, recent node
	if err := json.Unmarshal(before, &old); err != nil {
		return nil, fmt.Errorf("json.Unmarshal of the old schema: %w", err)
	}
	if err := json.Unmarshal(now, &recent); err != nil {
		return nil, fmt.Errorf("json.Unmarshal of the new schema: %w", err)
	}
	return compare("event", old, recent), nil
}

// node is the part of JSON Schema that the events use.
type node struct {
	Type       any             `json:"type"`
	Const      any             `json:"const"`
	Enum       []any           `json:"enum"`
	Pattern    string          `json:"pattern"`
	Required   []string        `json:"required"`
	Properties map[string]node `json:"properties"`

	// Bounds, which readers check with the open schema.
	AdditionalProperties any `json:"additionalProperties"`
	Format               any `json:"format"`
	MaxLength            any `json:"maxLength"`
	MaxProperties        any `json:"maxProperties"`
	MinLength            any `json:"minLength"`
	PropertyNames        any `json:"propertyNames"`
}

// bounds are by keyword what values must keep to. That there is no other field is not
// among them.
func (n node) bounds() map[string]any {
	out := map[string]any{
		"format": n.Format, "maxLength": n.MaxLength, "maxProperties": n.MaxProperties, "minLength": n.MinLength,
		"propertyNames": n.PropertyNames,
	}
	if n.AdditionalProperties != false {
		out["additionalProperties"] = n.AdditionalProperties
	}
	return out
}

func compare(at string, before, now node) []string {
	var broken []string
	say := func(format string, args ...any) { broken = append(broken, at+": "+fmt.Sprintf(format, args...)) }
	if !reflect.DeepEqual(before.Type, now.Type) {
		say("type %v became %v", before.Type, now.Type)
	}
	if !reflect.DeepEqual(before.Const, now.Const) {
		say("const %v became %v", before.Const, now.Const)
	}
	if before.Pattern != now.Pattern {
		say("pattern %q became %q", before.Pattern, now.Pattern)
	}
	if before.Enum != nil && now.Enum == nil {
		say("enum %v became %v", before.Enum, now.Enum)
	}
	limits := now.bounds()
	for keyword, bound := range before.bounds() {
		if bound != nil && !reflect.DeepEqual(bound, limits[keyword]) {
			say("%s %v became %v", keyword, bound, limits[keyword])
		}
	}
	for _, value := range before.Enum {
		if now.Enum != nil && !slices.Contains(now.Enum, value) {
			say("enum lost %v", value)
		}
	}
	for _, name := range now.Required {
		if !slices.Contains(before.Required, name) {
			say("%s is newly required", name)
		}
	}
	for _, name := range before.Required {
		if !slices.Contains(now.Required, name) {
			say("%s is no longer required", name)
		}
	}
	return append(broken, compareProperties(at, before, now)...)
}

func compareProperties(at string, before, now node) []string {
	var broken []string
	for name, old := range before.Properties {
		recent, ok := now.Properties[name]
		if !ok {
			broken = append(broken, fmt.Sprintf("%s: field %s was removed", at, name))
			continue
		}
		broken = append(broken, compare(at+"."+name, old, recent)...)
	}
	slices.Sort(broken)
	return broken
}
