package pipeline

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func pushed(name string, filters ...PushFilter) Pipeline {
	var t Trigger
	t.GitConfiguration.Push = filters
	return Pipeline{Name: name, Triggers: []Trigger{t}}
}

func push(branches, files string, excludes ...string) PushFilter {
	return PushFilter{
		Branches:  Patterns{Includes: strings.Fields(branches)},
		FilePaths: Patterns{Includes: strings.Fields(files), Excludes: excludes},
	}
}

func TestStarted(t *testing.T) {
	t.Parallel()
	all := []Pipeline{
		pushed("guard", push("main", "services/guard/** contracts/** go.work* Makefile")),
		pushed("audit", push("main", "services/audit/** contracts/**", "contracts/doc/**")),
		pushed("release", push("release/*", "")),
		pushed("two", push("main", "one/**"), push("next", "two/**")),
		pushed("none"),
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
			got, err := Started(all, Push{Branch: tc.branch, Files: strings.Fields(tc.files)})
			if err != nil {
				t.Fatalf("Started: %v", err)
			}
			if diff := cmp.Diff(tc.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("started (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadPattern(t *testing.T) {
	t.Parallel()
	for _, p := range []Pipeline{
		pushed("x", push("[", "a")), pushed("x", push("main", "[")), pushed("x", push("main", "a", "[")),
	} {
		if got, err := Started([]Pipeline{p}, Push{Branch: "main", Files: []string{"a"}}); err == nil {
			t.Errorf("%v starts %v", p.Triggers, got)
		}
	}
}
