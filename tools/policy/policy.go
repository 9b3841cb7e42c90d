// Package policy decides what an IAM policy allows. It exists so that everything
// that compares permissions here, the rules, the tests and the proxy alike, reads
// wildcards, conditions and an explicit deny in the same way.
package policy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Document is a policy.
type Document struct{ Statement []Statement }

// Statement is one statement of a policy.
type Statement struct {
	Effect    string
	Principal json.RawMessage
	Action    Strings
	Resource  Strings
	// Condition maps operators to condition keys and their values.
	Condition map[string]map[string]Strings
}

// Strings is a list that JSON may also hold as a single string.
type Strings []string

// UnmarshalJSON reads either form.
func (s *Strings) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*s = Strings{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(s))
}

// Request is one call to decide on.
type Request struct {
	// Service is the principal, such as sns.amazonaws.com.
	Service string
	// Action and Resource are those of the call.
	Action, Resource string
	// Keys are the condition keys that the caller sends, in lower case.
	Keys map[string]string
}

// Parse reads a policy in JSON.
func Parse(document string) (Document, error) {
	var d Document
	if err := json.Unmarshal([]byte(document), &d); err != nil {
		return Document{}, fmt.Errorf("json.Unmarshal: %w", err)
	}
	return d, nil
}

// AllowedBy reports whether a resource's policy, in JSON, allows the request: a
// statement allows it, and none denies it. An unreadable policy allows nothing.
func (r Request) AllowedBy(document string) bool {
	d, err := Parse(document)
	d.Statement = slices.DeleteFunc(d.Statement, func(s Statement) bool { return !s.principal(r.Service) })
	return err == nil && r.Allowed(d)
}

// Allowed reports whether the policies of a role together allow the request. Who may
// use them is decided elsewhere, so principals are not looked at.
func (r Request) Allowed(policies ...Document) bool {
	allowed := false
	for _, d := range policies {
		for _, s := range d.Statement {
			if !s.covers(r.Action, r.Resource) || !s.applies(r.Keys) {
				continue
			}
			if s.Effect == "Deny" {
				return false
			}
			allowed = allowed || s.Effect == "Allow"
		}
	}
	return allowed
}

// Operators returns the condition operators of a policy that are not implemented. A
// condition with one of them does not hold.
func (d Document) Operators() []string {
	var out []string
	for _, s := range d.Statement {
		for operator := range s.Condition {
			name := strings.TrimPrefix(strings.TrimSuffix(operator, "IfExists"), allValues)
			if _, known := operators[name]; !known && name != "Null" && !slices.Contains(out, operator) {
				out = append(out, operator)
			}
		}
	}
	slices.Sort(out)
	return out
}

// applies reports whether all conditions of the statement hold.
func (s Statement) applies(sent map[string]string) bool {
	for operator, keys := range s.Condition {
		for key, values := range keys {
			if !holds(operator, sent, strings.ToLower(key), values) {
				return false
			}
		}
	}
	return true
}

// holds decides one condition key. A key that was not sent satisfies ...IfExists and
// the negated operators:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func holds(operator string, sent map[string]string, key string, values Strings) bool {
	actual, exists := sent[key]
	operator, optional := strings.CutSuffix(operator, "IfExists")
	operator, set := strings.CutPrefix(operator, allValues)
	if operator == "Null" {
		return slices.Contains(values, fmt.Sprint(!exists))
	}
	o, known := operators[operator]
	switch {
	case !known:
		return false
	case !exists:
		return optional || set || o.negated
	}
	return o.negated != slices.ContainsFunc(values, func(v string) bool { return o.equal(v, actual) })
}

// allValues is the prefix of operators that hold for each value of a key, and so for
// none. A request here has one value for a key.
const allValues = "ForAllValues:"

// comparison is a condition operator.
type comparison struct {
	equal   func(pattern, actual string) bool
	negated bool
}

// operators are those that are implemented, besides Null.
var operators = map[string]comparison{
	"StringEquals": {same, false}, "StringNotEquals": {same, true}, "Bool": {strings.EqualFold, false},
	"StringEqualsIgnoreCase": {strings.EqualFold, false}, "StringNotEqualsIgnoreCase": {strings.EqualFold, true},
	"StringLike": {Match, false}, "StringNotLike": {Match, true},
	"ArnLike": {Match, false}, "ArnNotLike": {Match, true}, "ArnEquals": {Match, false}, "ArnNotEquals": {Match, true}, // both accept wildcards on AWS
}

func same(v, actual string) bool { return v == actual }

func (s Statement) covers(action, resource string) bool {
	return slices.ContainsFunc(s.Action, func(pattern string) bool { return MatchFold(pattern, action) }) &&
		slices.ContainsFunc(s.Resource, func(pattern string) bool { return Match(pattern, resource) })
}

func (s Statement) principal(service string) bool {
	var anyone string
	if json.Unmarshal(s.Principal, &anyone) == nil {
		return anyone == "*"
	}
	var by struct{ Service Strings }
	if json.Unmarshal(s.Principal, &by) != nil {
		return false
	}
	return slices.ContainsFunc(by.Service, func(pattern string) bool { return Match(pattern, service) })
}

// Match reports whether a pattern covers a value: * stands for any text, the empty
// one included, and ? for one character.
func Match(pattern, value string) bool {
	p, v := []rune(pattern), []rune(value)
	star, from := -1, 0 // the last * and where the text after its match starts
	i, j := 0, 0
	for j < len(v) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == v[j]):
			i, j = i+1, j+1
		case star >= 0: // the * covers one character more
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(string(p[i:]), "*") == ""
}

// MatchFold is Match without regard to case, as IAM compares actions.
func MatchFold(pattern, value string) bool {
	return Match(strings.ToLower(pattern), strings.ToLower(value))
}
