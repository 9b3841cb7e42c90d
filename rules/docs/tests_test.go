package docs

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// testNames returns the tests that a text names in backquotes.
func testNames(text string) []string {
	var out []string
	for _, m := range regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`").FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// uncovered returns what is wrong with the tables whose last column is 'tests': each
// row names existing tests, or says that the case does not apply.
func uncovered(page string, exists func(string) bool) []string {
	var out []string
	inTable := false
	for line := range strings.Lines(page) {
		row, isRow := strings.CutPrefix(strings.TrimSpace(line), "|")
		cells := strings.Split(strings.TrimSuffix(row, "|"), "|")
		last := strings.TrimSpace(cells[len(cells)-1])
		switch {
		case !isRow:
			inTable = false
			continue
		case last == "tests":
			inTable = true
			continue
		case !inTable || strings.HasPrefix(last, "---"):
			continue
		}
		names := testNames(last)
		for _, name := range names {
			if !exists(name) {
				out = append(out, "rules/README.md: no such test: "+name)
			}
		}
		if len(names) == 0 && !strings.HasPrefix(last, "does not apply") {
			out = append(out, "rules/README.md: no test for: "+strings.TrimSpace(cells[0]))
		}
	}
	return out
}

func TestReadmeNamesTests(t *testing.T) {
	t.Parallel()
	known := allTests(t)
	page := repository.Read(t, filepath.Join(repository.Root, "rules", "README.md"))
	if len(testNames(page)) < 20 {
		t.Fatal("the page names too few tests; was its format changed?")
	}
	repository.Report(t, uncovered(page, func(name string) bool { return known[name] }))
}

func TestReadmeNamesTestsPlanted(t *testing.T) {
	t.Parallel()
	page := "| folder | rules |\n|---|---|\n| a | b |\n\n| trap | tests |\n|---|---|\n| a | `TestA` |\n| b | `TestGone` |\n| c | a promise |\n| d | does not apply: not built |\n"
	got := uncovered(page, func(name string) bool { return name == "TestA" })
	if len(got) != 2 || !strings.Contains(got[0], "no such test: TestGone") || !strings.Contains(got[1], "no test for: c") {
		t.Errorf("findings %q", got)
	}
}
