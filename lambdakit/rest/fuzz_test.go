package rest_test

import (
	"slices"
	"strings"
	"testing"

	"gatehouse.example/lambdakit/rest"
)

// A group that is read from a claim is a whole word of the claim.
func FuzzGroups(f *testing.F) {
	for _, seed := range []string{"", "[]", "[a b]", "a,b", "[a,b]", "]a[", "[auditors", " auditors ,"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, claim string) {
		groups := rest.Groups(claim)
		for _, g := range groups {
			if g == "" || !strings.Contains(claim, g) {
				t.Fatalf("Groups(%q) has %q", claim, g)
			}
		}
		words := strings.FieldsFunc(strings.Trim(claim, "[]"), func(r rune) bool { return r == ',' || r == ' ' })
		trimmed := func(w string) bool { return strings.TrimSpace(w) == "auditors" }
		if slices.Contains(groups, "auditors") && !slices.ContainsFunc(words, trimmed) {
			t.Fatalf("Groups(%q) = %q", claim, groups)
		}
	})
}

// Both shapes of a list read back as the list.
func FuzzGroupsRoundTrip(f *testing.F) {
	f.Add("auditors", "staff")
	f.Fuzz(func(t *testing.T, a, b string) {
		if a == "" || b == "" || strings.ContainsAny(a+b, "[], ") || strings.TrimSpace(a) != a || strings.TrimSpace(b) != b {
			return
		}
		for _, claim := range []string{a + "," + b, "[" + a + " " + b + "]"} {
			if got := rest.Groups(claim); !slices.Equal(got, []string{a, b}) {
				t.Fatalf("Groups(%q) = %q", claim, got)
			}
		}
	})
}
