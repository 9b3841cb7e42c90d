package stacks_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/stacks"
)

const repository = "../.."

// The platform has templates only.
func TestModules(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"signup-guard": {"contracts", "lambdakit", "services/signup-guard"},
		"platform":     nil,
	} {
		s, err := stacks.Find(repository, name)
		if err != nil {
			t.Fatal(err)
		}
		modules, err := s.Modules(repository)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, modules); diff != "" || s.Name != name {
			t.Errorf("%s: modules of %s (-want +got):\n%s", name, s.Name, diff)
		}
	}
}

func TestUnknownService(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "local", "services/api"} {
		if _, err := stacks.Find(repository, name); err == nil || !strings.Contains(err.Error(), "one of api, log-encryptor") {
			t.Errorf("%q: got %v, want the names that there are", name, err)
		}
	}
}
