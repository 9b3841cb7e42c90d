package encryptor_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/services/log-encryptor/internal/encryptor"
)

func TestCovers(t *testing.T) {
	t.Parallel()
	set := encryptor.ParsePrefixes("/gatehouse/dev/,/aws/lambda/gatehouse-dev-", "/gatehouse/dev/scratch")
	for name, want := range map[string]bool{
		"/gatehouse/dev/user-events/metrics": true,
		"/aws/lambda/gatehouse-dev-x":        true,
		"/gatehouse/dev/":                    true,
		"/gatehouse/development/x":           false,
		"/gatehouse/dev/scratch/x":           false,
		"/gatehouse/test/x":                  false,
		"x/gatehouse/dev/":                   false,
		"":                                   false,
	} {
		if got := set.Covers(name); got != want {
			t.Errorf("Covers(%q) = %v", name, got)
		}
	}
}

func TestParsePrefixes(t *testing.T) {
	t.Parallel()
	got := encryptor.ParsePrefixes(" /b , ,/a,/b,", "")
	if diff := cmp.Diff(encryptor.Prefixes{Include: []string{"/a", "/b"}}, got); diff != "" {
		t.Errorf("Parse (-want +got):\n%s", diff)
	}
	if encryptor.ParsePrefixes(",", "").Covers("/anything") {
		t.Error("the empty prefix covers everything")
	}
}

func TestRoots(t *testing.T) {
	t.Parallel()
	set := encryptor.Prefixes{Include: []string{"/b/c", "/a", "/b", "/a/x", "/b-"}}
	if diff := cmp.Diff([]string{"/a", "/b"}, set.Roots()); diff != "" {
		t.Errorf("Roots (-want +got):\n%s", diff)
	}
}

// For all lists, listing by roots finds exactly the groups that are covered or
// excluded, and each once.
func FuzzRoots(f *testing.F) {
	f.Add("/a,/a/b,/c", "/a/x", "/a/b/c")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, include, exclude, name string) {
		set := encryptor.ParsePrefixes(include, exclude)
		found := 0
		for _, root := range set.Roots() {
			if strings.HasPrefix(name, root) {
				found++
			}
		}
		if found > 1 {
			t.Errorf("%q is listed %d times by %q", name, found, set.Roots())
		}
		if set.Covers(name) && found == 0 {
			t.Errorf("%q is covered and not listed by %q", name, set.Roots())
		}
	})
}
