package docs

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// threatsPage names the threats at each trust boundary.
const threatsPage = "docs/threat-model.md"

// stride are the kinds of threats, each of which every section covers.
func stride() []string {
	return []string{"spoofing", "tampering", "repudiation", "information disclosure", "denial of service", "elevation of privilege"}
}

// testsIn returns the names of a Go file's tests and fuzz tests.
func testsIn(source string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`).FindAllStringSubmatch(source, -1) {
		out = append(out, m[1])
	}
	return out
}

// allTests are the tests of the repository.
func allTests(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	for _, path := range repository.Files(t, ".go") {
		if strings.HasSuffix(path, "_test.go") {
			for _, name := range testsIn(repository.Read(t, path)) {
				known[name] = true
			}
		}
	}
	return known
}

// unknownTests are the tests that a page names in backquotes and that do not exist.
func unknownTests(page, text string, known map[string]bool) []string {
	// AWS has actions with such names.
	aws := []string{"TestEventPattern"}
	var out []string
	for _, name := range testNames(text) {
		if !known[name] && !slices.Contains(aws, name) {
			out = append(out, fmt.Sprintf("%s: no such test: %s", page, name))
		}
	}
	return out
}

// threats returns what is wrong with the page: a section that leaves a kind of threat
// out, or a threat with neither a test nor a reason.
func threats(page string) []string {
	var out []string
	sections := strings.Split(page, "\n## ")[1:]
	for _, section := range sections {
		title, _, _ := strings.Cut(section, "\n")
		say := func(format string, args ...any) {
			out = append(out, threatsPage+": "+title+": "+fmt.Sprintf(format, args...))
		}
		missing := map[string]bool{}
		for _, kind := range stride() {
			missing[kind] = true
		}
		for _, row := range cells(section) {
			delete(missing, row[0])
			last := row[len(row)-1]
			switch reason, accepted := strings.CutPrefix(last, "accepted: "); {
			case len(row) != 4:
				say("a row has %d columns: %s", len(row), row[0])
			case !slices.Contains(stride(), row[0]):
				say("%s is not a kind of threat", row[0])
			case accepted && len(strings.Fields(reason)) < 5:
				say("'%s' is accepted without a reason", row[1])
			case accepted && row[2] != "", !accepted && row[2] == "":
				say("'%s' needs a mitigation and its tests, or a reason", row[1])
			case !accepted && len(testNames(last)) == 0:
				say("no test for '%s'", row[1])
			}
		}
		for _, kind := range slices.Sorted(maps.Keys(missing)) {
			say("nothing about %s", kind)
		}
	}
	if len(sections) < 9 {
		out = append(out, fmt.Sprintf("%s: %d sections; one for each of the nine trust boundaries", threatsPage, len(sections)))
	}
	return out
}

func TestThreatModel(t *testing.T) {
	t.Parallel()
	page := repository.Read(t, filepath.Join(repository.Root, filepath.FromSlash(threatsPage)))
	repository.Report(t, threats(page))
}

// TestNamedTestsExist: a page names existing tests only.
func TestNamedTestsExist(t *testing.T) {
	t.Parallel()
	known := allTests(t)
	for _, file := range repository.Files(t, ".md") {
		repository.Report(t, unknownTests(repository.Short(file), repository.Read(t, file), known))
	}
}

func TestThreatModelPlanted(t *testing.T) {
	t.Parallel()
	known := map[string]bool{"TestA": true}
	if got := unknownTests("x.md", "`TestA`, `TestEventPattern` and TestB", known); len(got) != 0 {
		t.Errorf("findings %q", got)
	}
	if got := unknownTests("x.md", "see `TestB`, `FuzzC`", known); len(got) != 2 {
		t.Errorf("findings %q, want two", got)
	}
	if got := testsIn("func TestA(t *testing.T) {\nfunc (s) TestB() {\nfunc FuzzC(f *testing.F) {\n"); !slices.Equal(got, []string{"TestA", "FuzzC"}) {
		t.Errorf("tests %q", got)
	}
	var section strings.Builder
	section.WriteString("\n## A\n\n| kind | threat | mitigation | shown by |\n|---|---|---|---|\n")
	for _, kind := range stride() {
		section.WriteString("| " + kind + " | a threat | what helps | `TestA` |\n")
	}
	good := strings.Repeat(section.String(), 9)
	for name, tc := range map[string]struct{ old, new, want string }{
		"good":              {"", "", ""},
		"accepted":          {"| what helps | `TestA` |", "| | accepted: five words are a reason |", ""},
		"kind_left_out":     {"| repudiation | a threat | what helps | `TestA` |\n", "", "nothing about repudiation"},
		"unknown_kind":      {"| repudiation |", "| bad weather |", "bad weather is not a kind"},
		"no_test":           {"`TestA`", "believe me", "no test for 'a threat'"},
		"no_reason":         {"| what helps | `TestA` |", "| | accepted: so what |", "accepted without a reason"},
		"reason_and_remedy": {"`TestA`", "accepted: five words are a reason", "needs a mitigation"},
		"no_mitigation":     {"| what helps |", "| |", "needs a mitigation"},
		"column_missing":    {"| what helps |", "|", "has 3 columns"},
	} {
		got := strings.Join(threats(strings.Replace(good, tc.old, tc.new, 1)), "\n")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
	if got := threats(strings.Repeat(section.String(), 8)); len(got) != 1 {
		t.Errorf("findings %q, want the missing section", got)
	}
}
