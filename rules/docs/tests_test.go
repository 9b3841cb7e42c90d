package docs

import (
	"os"
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

// uncovered returns the rows of the page's tables whose last cell neither names an
// existing test nor says that the case does not apply.
func uncovered(page string, exists func(string) bool) []string {
	var out []string
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 2 || strings.HasPrefix(strings.TrimSpace(cells[0]), "-") || strings.TrimSpace(cells[len(cells)-1]) == "covered by" {
			continue
		}
		last := cells[len(cells)-1]
		names := testNames(last)
		for _, name := range names {
			if !exists(name) {
				out = append(out, "rules/README.md: no such test: "+name)
			}
		}
		if len(names) == 0 && !strings.Contains(last, "does not apply") {
			out = append(out, "rules/README.md: no test for: "+strings.TrimSpace(cells[0]))
		}
	}
	return out
}

func TestTrapsAreHeld(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	found := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, path := range repository.Files(t, ".go") {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("os.ReadFile: %v", err)
		}
		for _, m := range found.FindAllStringSubmatch(string(text), -1) {
			known[m[1]] = true
		}
	}
	page := repository.Read(t, filepath.Join(repository.Root, "rules", "README.md"))
	if len(testNames(page)) < 20 {
		t.Fatal("the page names too few tests; was its format changed?")
	}
	repository.Report(t, uncovered(page, func(name string) bool { return known[name] }))
}

func TestTrapsAreHeldPlanted(t *testing.T) {
	t.Parallel()
	page := "| trap | covered by |\n|---|---|\n| a | `TestA` |\n| b | `TestGone` |\n| c | a promise |\n| d | does not apply yet |\n"
	got := uncovered(page, func(name string) bool { return name == "TestA" })
	if len(got) != 2 || !strings.Contains(got[0], "no such test: TestGone") || !strings.Contains(got[1], "no test for: c") {
		t.Errorf("findings %q", got)
	}
}
