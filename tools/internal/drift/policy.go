package drift

import (
	"encoding/json"
	"fmt"
	"slices"
	"sort"
	"strings"
)

// statement is one statement of a policy in a form in which equal ones are equal:
// lists are sorted, single values are lists, and what AWS writes in two ways is
// written in one. Its Sid means nothing.
type statement struct {
	sid, effect string
	// text is the canonical form.
	text string
	// shown is for people.
	shown string
}

// deny reports whether the statement forbids something.
func (s statement) deny() bool { return s.effect == "Deny" }

// statements are those of a policy, as an object or as JSON.
func statements(document any) ([]statement, error) {
	if empty(document) {
		return nil, nil
	}
	policy := object(document)
	if policy == nil {
		return nil, fmt.Errorf("a policy is not an object: %s", show(document))
	}
	var out []statement
	for _, one := range list(policy["Statement"]) {
		members := object(one)
		if members == nil {
			return nil, fmt.Errorf("a statement is not an object: %s", show(one))
		}
		s, err := newStatement(members)
		if err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, nil
}

func newStatement(members map[string]any) (statement, error) {
	canonical := map[string]any{}
	for key, value := range members {
		switch key {
		case "Sid":
		case "Principal", "NotPrincipal":
			canonical[key] = principals(value)
		case "Action", "NotAction":
			var lower []string
			for _, action := range texts(value) {
				lower = append(lower, strings.ToLower(action)) // IAM ignores the case
			}
			canonical[key] = set(lower)
		case "Condition":
			canonical[key] = conditions(value)
		case "Effect":
			canonical[key] = value
		default:
			canonical[key] = set(texts(value))
		}
	}
	raw, err := json.Marshal(canonical)
	if err != nil {
		return statement{}, fmt.Errorf("json.Marshal: %w", err)
	}
	s := statement{effect: fmt.Sprint(members["Effect"]), text: string(raw)}
	if sid, ok := members["Sid"]; ok {
		s.sid = fmt.Sprint(sid)
	}
	s.shown = s.describe(members, canonical)
	return s, nil
}

// describe is a statement in one line.
func (s statement) describe(members, canonical map[string]any) string {
	text := s.effect + " " + strings.Join(texts(members["Action"]), ",")
	if but, is := members["NotAction"]; is {
		text = s.effect + " everything but " + strings.Join(texts(but), ",")
	}
	if s.sid != "" {
		text = s.sid + ": " + text
	}
	for _, part := range []struct{ key, word string }{{"Principal", " by "}, {"NotPrincipal", " not by "}, {"Resource", " on "}, {"NotResource", " not on "}, {"Condition", " if "}} {
		if value, ok := canonical[part.key]; ok {
			raw, err := json.Marshal(value)
			if err != nil {
				continue
			}
			text += part.word + strings.NewReplacer(`"`, "", "[", "", "]", "", "{", "", "}", "").Replace(string(raw))
		}
	}
	return cut(text)
}

// principals writes the two forms of everybody, and of an account, in one way:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
func principals(value any) any {
	by := object(value)
	if by == nil {
		return map[string][]string{"AWS": {fmt.Sprint(value)}}
	}
	out := map[string][]string{}
	for kind, names := range by {
		var all []string
		for _, name := range texts(names) {
			if kind == "AWS" && isAccount(name) {
				name = "arn:aws:iam::" + name + ":root"
			}
			all = append(all, name)
		}
		out[kind] = set(all)
	}
	return out
}

func isAccount(name string) bool {
	return len(name) == 12 && strings.Trim(name, "0123456789") == ""
}

func conditions(value any) any {
	out := map[string]map[string][]string{}
	for operator, keys := range object(value) {
		out[operator] = map[string][]string{}
		for key, values := range object(keys) {
			out[operator][strings.ToLower(key)] = set(texts(values))
		}
	}
	return out
}

// set is a list without order and repetition.
func set(of []string) []string {
	out := slices.Clone(of)
	sort.Strings(out)
	return slices.Compact(out)
}

// policyDifference is what differs between two policies.
type policyDifference struct {
	missing, added []statement
}

// comparePolicies compares two policies by their statements.
func comparePolicies(want, have any) (policyDifference, error) {
	expected, err := statements(want)
	if err != nil {
		return policyDifference{}, err
	}
	actual, err := statements(have)
	if err != nil {
		return policyDifference{}, err
	}
	return policyDifference{missing: without(expected, actual), added: without(actual, expected)}, nil
}

func without(all, others []statement) []statement {
	return slices.DeleteFunc(slices.Clone(all), func(s statement) bool {
		return slices.ContainsFunc(others, func(o statement) bool { return o.text == s.text })
	})
}

// lines has a line for each difference of the policy called name.
func (d policyDifference) lines(name string) []string {
	var out []string
	for _, s := range d.missing {
		out = append(out, name+": missing: "+s.shown)
	}
	for _, s := range d.added {
		out = append(out, name+": added by hand: "+s.shown)
	}
	return out
}

// denials reports whether the repair would remove a Deny, which may be there to stop an
// attack. Only a person decides that.
func (d policyDifference) denials() bool { return slices.ContainsFunc(d.added, statement.deny) }
