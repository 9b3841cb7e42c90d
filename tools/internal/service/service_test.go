package service_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/service"
)

const root = "../../.."

// The platform has templates only.
func TestModules(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][]string{
		"signup-guard": {"contracts", "lambdakit", "services/signup-guard"},
		"platform":     nil,
	} {
		s, err := service.Find(root, name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, s.Modules); diff != "" || s.Stack.Name != name {
			t.Errorf("%s: modules of %s (-want +got):\n%s", name, s.Stack.Name, diff)
		}
	}
}

func TestUnknownService(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", "local", "services/api"} {
		if _, err := service.Find(root, name); err == nil || !strings.Contains(err.Error(), "one of api, log-encryptor") {
			t.Errorf("%q: got %v, want the names that there are", name, err)
		}
	}
}
