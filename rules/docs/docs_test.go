package docs

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// headings are required in a service's README.
var headings = []string{"purpose", "diagram", "events", "ssm names", "failure impact"}

// links returns the broken relative links of a page. It ignores code blocks.
func links(page, text string, exists func(string) bool) []string {
	text = regexp.MustCompile("(?ms)^```.*?^```").ReplaceAllString(text, "")
	text = regexp.MustCompile("`[^`\n]*`").ReplaceAllString(text, "")
	var out []string
	for _, m := range regexp.MustCompile(`\]\(([^)\s]+)[^)]*\)`).FindAllStringSubmatch(text, -1) {
		target, _, _ := strings.Cut(m[1], "#")
		if target == "" || regexp.MustCompile(`^[a-z]+:`).MatchString(target) {
			continue
		}
		if !exists(path.Join(path.Dir(page), target)) {
			out = append(out, page+": the link to "+target+" is broken")
		}
	}
	return out
}

// playbooks returns the playbooks that a file names but that do not exist.
func playbooks(file, text string, exists func(string) bool) []string {
	var out []string
	for _, page := range regexp.MustCompile(`docs/playbooks/[a-z0-9-]+\.md`).FindAllString(text, -1) {
		if finding := file + ": the playbook " + page + " does not exist"; !exists(page) && !slices.Contains(out, finding) {
			out = append(out, finding)
		}
	}
	return out
}

// missingHeadings returns the headings that a service's README lacks.
func missingHeadings(page, text string) []string {
	var out []string
	for _, want := range headings {
		if !regexp.MustCompile(`(?im)^#{1,4} .*\b` + want + `\b`).MatchString(text) {
			out = append(out, fmt.Sprintf("%s: no heading '%s'", page, want))
		}
	}
	return out
}

func TestLinks(t *testing.T) {
	t.Parallel()
	for _, file := range repository.Files(t, ".md") {
		repository.Report(t, links(repository.Short(file), repository.Read(t, file), repository.Exists))
	}
}

func TestPlaybooksExist(t *testing.T) {
	t.Parallel()
	for _, file := range repository.Files(t, ".md", ".yaml", ".go") {
		if !strings.HasPrefix(repository.Short(file), "rules/") {
			repository.Report(t, playbooks(repository.Short(file), repository.Read(t, file), repository.Exists))
		}
	}
}

func TestServicesHaveReadmes(t *testing.T) {
	t.Parallel()
	for _, stack := range repository.Stacks(t) {
		page := filepath.Join(stack.Dir, "README.md")
		if !strings.HasPrefix(repository.Short(stack.Dir), "services/") {
			continue
		}
		if !repository.Exists(repository.Short(page)) {
			t.Errorf("%s: no README.md", repository.Short(stack.Dir))
			continue
		}
		repository.Report(t, missingHeadings(repository.Short(page), repository.Read(t, page)))
	}
}

func TestProjectPagesExist(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"README.md", "CHANGELOG.md", "LICENSE", "CONTRIBUTING.md", "SECURITY.md"} {
		if !repository.Exists(page) {
			t.Errorf("no %s", page)
		}
	}
}

func TestDocsPlanted(t *testing.T) {
	t.Parallel()
	there := func(p string) bool { return p == "docs/a.md" || p == "README.md" || p == "docs/playbooks/a.md" }
	for text, want := range map[string]int{
		"[a](a.md) [b](../README.md#x 'title') [c](https://example.org/x) [d](#here)": 0,
		"[a](b.md)":                            1,
		"[a](../docs/b.md) and ![b](c.png)":    2,
		"```\n[a](b.md)\n```\nand `[a](b.md)`": 0,
	} {
		if got := links("docs/x.md", text, there); len(got) != want {
			t.Errorf("links(%q) = %v, want %d", text, got, want)
		}
	}
	if got := playbooks("f", "docs/playbooks/a.md docs/playbooks/b.md docs/playbooks/b.md", there); len(got) != 1 {
		t.Errorf("playbooks: %v", got)
	}
	page := "# X\n## Purpose\n## Diagram\n## Events in and out\n### SSM names\n## Failure impact\n"
	if got := missingHeadings("p", page); len(got) != 0 {
		t.Errorf("headings: %v", got)
	}
	if got := missingHeadings("p", strings.Replace(page, "## Events", "Events", 1)); len(got) != 1 {
		t.Errorf("headings without Events: %v", got)
	}
}
