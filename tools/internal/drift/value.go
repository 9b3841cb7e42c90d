package drift

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// same reports whether a value is as the template says. AWS adds members with their
// defaults, returns lists in another order, and numbers as texts.
func same(want, have any) bool {
	switch w := want.(type) {
	case nil:
		return empty(have)
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			return false
		}
		for key, value := range w {
			if !same(value, h[key]) {
				return false
			}
		}
		return true
	case []any:
		h, ok := have.([]any)
		if !ok {
			return len(w) == 0 && empty(have)
		}
		return len(w) == len(h) && covered(w, h)
	}
	switch have.(type) {
	case map[string]any, []any:
		return false
	}
	return scalar(want) == scalar(have)
}

// covered reports whether each value of want has one of its own in have.
func covered(want, have []any) bool {
	left := slices.Clone(have)
	for _, w := range want {
		i := slices.IndexFunc(left, func(h any) bool { return same(w, h) })
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return true
}

// empty reports whether a value is not set.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// scalar is a text, number or boolean as text, the same for equal ones.
func scalar(v any) string {
	text := fmt.Sprint(v)
	if v == nil {
		text = ""
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil && !strings.HasPrefix(text, "0") {
		return strconv.FormatFloat(n, 'f', -1, 64)
	}
	return text
}

// longest is how much of a value is shown.
const longest = 300

// show is a value on one line.
func show(v any) string {
	if empty(v) {
		return "nothing"
	}
	text := scalar(v)
	switch v.(type) {
	case map[string]any, []any:
		raw, err := json.Marshal(v)
		if err != nil {
			return err.Error()
		}
		text = string(raw)
	}
	return cut(text)
}

// cut shortens a text.
func cut(text string) string {
	if len(text) <= longest {
		return text
	}
	end := longest
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + "…"
}

// object is a value with members, or nil. AWS keeps some of them as texts.
func object(v any) map[string]any {
	switch v := v.(type) {
	case map[string]any:
		return v
	case string:
		var out map[string]any
		if json.Unmarshal([]byte(v), &out) == nil {
			return out
		}
	}
	return nil
}

// list is a list, or a single value as a list of one.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// texts are the values of a list as texts.
func texts(v any) []string {
	var out []string
	for _, one := range list(v) {
		out = append(out, fmt.Sprint(one))
	}
	return out
}

// number is a number of the template, which may be a text.
func number(v any) (int32, error) {
	n, err := strconv.ParseInt(scalar(v), 10, 32)
	if err != nil {
		return 0, fmt.Errorf("strconv.ParseInt: %w", err)
	}
	return int32(n), nil
}
