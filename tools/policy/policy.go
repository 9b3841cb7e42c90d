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
	allowed := false
	for _, s := range d.Statement {
		if !s.matches(r) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = allowed || s.Effect == "Allow"
	}
	return allowed && err == nil
}

// matches reports whether the statement applies to the request. A condition with
// an operator that is not implemented does not hold.
func (s Statement) matches(r Request) bool {
	if !s.principal(r.Service) || !s.covers(r.Action, r.Resource) {
		return false
	}
	for operator, keys := range s.Condition {
		operator, optional := strings.CutSuffix(operator, "IfExists")
		for key, values := range keys {
			actual, sent := r.Keys[strings.ToLower(key)]
			if !sent && optional {
				continue
			}
			if !sent || !holds(operator, actual, values) {
				return false
			}
		}
	}
	return true
}

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

func holds(operator, actual string, values Strings) bool {
	compare := func(string) bool { return false }
	switch operator {
	case "StringEquals":
		compare = func(v string) bool { return v == actual }
	case "StringEqualsIgnoreCase":
		compare = func(v string) bool { return strings.EqualFold(v, actual) }
	case "StringLike", "ArnLike", "ArnEquals": // ArnEquals accepts wildcards on AWS, too
		compare = func(v string) bool { return Match(v, actual) }
	}
	return slices.ContainsFunc(values, compare)
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
