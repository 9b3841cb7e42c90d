package upstream

import "testing"

func TestWildcard(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		pattern, s string
		want       bool
	}{
		{"a*", "a/b/c", true}, {"a?c", "abc", true}, {"a[b]", "a[b]", true}, {"a[b]", "ab", false}, {`a\*`, `a\b`, true}, {"", "", true},
	} {
		if got := wildcard(tc.pattern, tc.s); got != tc.want {
			t.Errorf("wildcard(%q, %q) = %v", tc.pattern, tc.s, got)
		}
	}
}
