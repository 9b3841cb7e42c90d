package drift

import (
	"strings"
	"testing"
)

func TestSame(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		want, have any
		equal      bool
	}{
		"number_as_text":       {10, "10", true},
		"number_as_float":      {10, 10.0, true},
		"other_number":         {10, "11", false},
		"boolean_as_text":      {true, "true", true},
		"account":              {"000000000000", "0", false},
		"nothing":              {nil, "", true},
		"nothing_is_something": {nil, "x", false},
		"zero_is_something":    {nil, 0, false},
		"more_members":         {map[string]any{"a": 1}, map[string]any{"a": "1", "b": nil}, true},
		"another_member":       {map[string]any{"a": 1}, map[string]any{"b": 1}, false},
		"other_order":          {[]any{"a", "b"}, []any{"b", "a"}, true},
		"one_more":             {[]any{"a"}, []any{"a", "b"}, false},
		"repeated":             {[]any{"a", "a"}, []any{"a", "b"}, false},
		"empty_list":           {[]any{}, nil, true},
		"list_and_text":        {"a", []any{"a"}, false},
		"object_and_text":      {map[string]any{"a": 1}, "a", false},
	} {
		if got := same(tc.want, tc.have); got != tc.equal {
			t.Errorf("%s: same(%v, %v) = %t", name, tc.want, tc.have, got)
		}
	}
}

func TestShowCutsBetweenCharacters(t *testing.T) {
	t.Parallel()
	got := show(strings.Repeat("ä", longest))
	if len(got) > longest+len("…") || strings.ContainsRune(got, '\uFFFD') || !strings.HasSuffix(got, "…") {
		t.Errorf("show = %q", got)
	}
	if got := show(nil); got != "nothing" {
		t.Errorf("show(nil) = %q", got)
	}
}

func TestFunctionOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"f": {"f", ""}, "f:live": {"f", "live"},
		"arn:aws:lambda:eu-central-1:111122223333:function:f":      {"f", ""},
		"arn:aws:lambda:eu-central-1:111122223333:function:f:live": {"f", "live"},
		"arn:aws": {"", ""},
	} {
		if function, qualifier := functionOf(name); function != want[0] || qualifier != want[1] {
			t.Errorf("functionOf(%s) = %s, %s", name, function, qualifier)
		}
	}
}
