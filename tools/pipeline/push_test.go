package trigger_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/definition"
	"gatehouse.example/tools/trigger"
)

func pipeline(name string, filters ...definition.Push) definition.Pipeline {
	var t definition.Trigger
	t.GitConfiguration.Push = filters
	return definition.Pipeline{Name: name, Triggers: []definition.Trigger{t}}
}

func push(branches, files string, excludes ...string) definition.Push {
	return definition.Push{
		Branches:  definition.Patterns{Includes: strings.Fields(branches)},
		FilePaths: definition.Patterns{Includes: strings.Fields(files), Excludes: excludes},
	}
}

func TestStarted(t *testing.T) {
	t.Parallel()
	all := []definition.Pipeline{
		pipeline("guard", push("main", "services/guard/** contracts/** go.work* Makefile")),
		pipeline("audit", push("main", "services/audit/** contracts/**", "contracts/doc/**")),
		pipeline("release", push("release/*", "")),
		pipeline("two", push("main", "one/**"), push("next", "two/**")),
		pipeline("none"),
	}
	for name, tc := range map[string]struct {
		branch, files, want string
	}{
		"own_folder":           {"main", "services/guard/cmd/presignup/main.go", "guard"},
		"the_folder_alone":     {"main", "services/guard.go", ""},
		"hidden_file":          {"main", "services/guard/.x", "guard"},
		"shared":               {"main", "contracts/types.go", "audit guard"},
		"one_of_many":          {"main", "README.md docs/a.md services/audit/go.mod", "audit"},
		"top_of_the_tree":      {"main", "go.work.sum", "guard"},
		"not_below":            {"main", "bench/Makefile", ""},
		"excluded":             {"main", "contracts/doc/x.md", "guard"},
		"excluded_and_another": {"main", "contracts/doc/x.md contracts/x.go", "audit guard"},
		"other_branch":         {"next", "services/guard/go.mod", ""},
		"any_file":             {"release/1", "x", "release"},
		"deeper_branch":        {"release/1/2", "x", ""},
		"second_filter":        {"next", "two/x", "two"},
		"filters_are_not_one":  {"next", "one/x", ""},
		"nothing":              {"main", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := trigger.Started(all, trigger.Push{Branch: tc.branch, Files: strings.Fields(tc.files)})
			if err != nil {
				t.Fatalf("trigger.Started: %v", err)
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("started (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadPattern(t *testing.T) {
	t.Parallel()
	for _, p := range []definition.Pipeline{
		pipeline("x", push("[", "a")), pipeline("x", push("main", "[")), pipeline("x", push("main", "a", "[")),
	} {
		if got, err := trigger.Started([]definition.Pipeline{p}, trigger.Push{Branch: "main", Files: []string{"a"}}); err == nil {
			t.Errorf("%v starts %v", p.Triggers, got)
		}
	}
}
