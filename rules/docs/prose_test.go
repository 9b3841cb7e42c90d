package docs

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"gatehouse.example/rules/repository"
)

const (
	maxReadme  = 7000
	maxColumns = 120
)

var (
	codeBlock = regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	anchored  = regexp.MustCompile(`\]\(([^)\s#:]*)#([^)\s]+)\)`)
	heading   = regexp.MustCompile(`(?m)^#+ (.*)$`)
	unslugged = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	linkTo    = regexp.MustCompile(`\]\(([^)\s#]+)`)
	row       = regexp.MustCompile(`(?m)^\| \[[^]]*\]\(([^)\s#]+)`)
	target    = regexp.MustCompile(`(?m)^([A-Za-z0-9._/-]+):`)
	makeCall  = regexp.MustCompile(`\bmake ((?:[A-Z_]+=\S+ )*)([a-z.][a-z0-9./-]*)`)
)

// missingAnchors are the links to headings that the linked page does not have.
func missingAnchors(page, text string, read func(string) string) []string {
	var out []string
	for _, m := range anchored.FindAllStringSubmatch(codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), ""), -1) {
		linked := page
		if m[1] != "" {
			linked = path.Join(path.Dir(page), m[1])
		}
		var slugs []string
		for _, h := range heading.FindAllStringSubmatch(read(linked), -1) {
			slugs = append(slugs, strings.ReplaceAll(unslugged.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
		}
		if !slices.Contains(slugs, m[2]) {
			out = append(out, fmt.Sprintf("%s: %s has no heading #%s", page, linked, m[2]))
		}
	}
	return out
}

// unlisted are the pages of a folder that its index does not link to, or has two rows for.
func unlisted(index, text string, pages []string) []string {
	linked := map[string]bool{index: true}
	for _, m := range linkTo.FindAllStringSubmatch(text, -1) {
		linked[path.Join(path.Dir(index), m[1])] = true
	}
	var out []string
	for _, page := range pages {
		if !linked[page] {
			out = append(out, index+": does not list "+page)
		}
	}
	rows := map[string]bool{}
	for _, m := range row.FindAllStringSubmatch(text, -1) {
		if rows[m[1]] {
			out = append(out, index+": lists "+m[1]+" twice")
		}
		rows[m[1]] = true
	}
	return out
}

// missingTargets are the make targets that a page's code names and the Makefile lacks.
func missingTargets(page, text, makefile string) []string {
	var targets []string
	for _, m := range target.FindAllStringSubmatch(makefile, -1) {
		targets = append(targets, m[1])
	}
	code := strings.Join(append(codeBlock.FindAllString(text, -1), codeSpan.FindAllString(codeBlock.ReplaceAllString(text, ""), -1)...), "\n")
	var out []string
	for _, m := range makeCall.FindAllStringSubmatch(code, -1) {
		if !slices.Contains(targets, m[2]) {
			out = append(out, fmt.Sprintf("%s: the Makefile has no target %s", page, m[2]))
		}
	}
	return out
}

// longLines are lines of prose above the limit. Code, tables and lines that cannot be broken do not count.
func longLines(page, text string) []string {
	var out []string
	for line := range strings.Lines(codeBlock.ReplaceAllString(text, "")) {
		line = strings.TrimRight(line, "\n")
		if utf8.RuneCountInString(line) > maxColumns && !strings.HasPrefix(line, "|") && strings.Contains(strings.TrimLeft(line, "-*> "), " ") {
			out = append(out, fmt.Sprintf("%s: longer than %d columns: %.60s", page, maxColumns, line))
		}
	}
	return out
}

// phrases are what a page's prose should say in other words.
func phrases(page, text string) []string {
	text = codeSpan.ReplaceAllString(codeBlock.ReplaceAllString(text, ""), "x")
	var out []string
	for _, m := range repository.Banned(text) {
		out = append(out, fmt.Sprintf("%s: %q: see the glossary in CONTRIBUTING.md", page, m))
	}
	return out
}

func TestIndexesListEveryPage(t *testing.T) {
	t.Parallel()
	var pages []string
	for _, file := range repository.Files(t, ".md") {
		if strings.HasPrefix(repository.Short(file), "docs/") {
			pages = append(pages, repository.Short(file))
		}
	}
	repository.Report(t, unlisted("docs/README.md", repository.Read(t, filepath.Join(repository.Root, "docs/README.md")), pages))
}

func TestProse(t *testing.T) {
	t.Parallel()
	makefile := repository.Read(t, filepath.Join(repository.Root, "Makefile"))
	if size := len(repository.Read(t, filepath.Join(repository.Root, "README.md"))); size > maxReadme {
		t.Errorf("README.md: %d bytes, at most %d", size, maxReadme)
	}
	for _, file := range repository.Files(t, ".md") {
		page, text := repository.Short(file), repository.Read(t, file)
		repository.Report(t, missingTargets(page, text, makefile))
		repository.Report(t, missingAnchors(page, text, func(path string) string { return repository.Read(t, filepath.Join(repository.Root, path)) }))
		repository.Report(t, longLines(page, text))
		if page != "CONTRIBUTING.md" {
			repository.Report(t, phrases(page, text))
		}
	}
}

func TestProsePlanted(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 30)
	headings := func(page string) string {
		return map[string]string{"docs/a.md": "# Here", "docs/b.md": "x\n## Go `back`, 2\n"}[page]
	}
	for name, tc := range map[string]struct {
		got  []string
		want int
	}{
		"anchor":         {missingAnchors("docs/a.md", "[a](b.md#go-back-2) [b](#here) [c](https://x/#y)", headings), 0},
		"no_anchor":      {missingAnchors("docs/a.md", "[a](b.md#go) [b](#there)", headings), 2},
		"listed":         {unlisted("docs/README.md", "[a](a.md#x) [b](adr/b.md)", []string{"docs/README.md", "docs/a.md", "docs/adr/b.md"}), 0},
		"listed_twice":   {unlisted("docs/README.md", "| [a](a.md) | a |\n| [b](b.md) | like [a](a.md) |\n| [a](a.md) | a |\n", []string{"docs/a.md"}), 1},
		"unlisted":       {unlisted("docs/README.md", "[a](a.md) `b.md`", []string{"docs/a.md", "docs/b.md"}), 1},
		"targets":        {missingTargets("p", "make x, `make a` and\n```\nX=1 make Y=2 b-c && make a\n```\n", "a:\nb-c: a\n"), 0},
		"no_target":      {missingTargets("p", "`make x`\n```sh\nmake Y=1 z\n```\n", "a:\n"), 2},
		"long_line":      {longLines("p", "x\n"+long+"\n- "+long), 2},
		"long_but_fine":  {longLines("p", "| "+long+"\n```\n"+long+"\n```\n- "+strings.Repeat("x", 130)), 0},
		"phrases":        {phrases("p", "To whom it may concern. It is no error. The edge."), 3},
		"plain_phrases":  {phrases("p", "There is no error. It is no longer `beside` it.\n```\nanew\n```\n"), 0},
		"capital_phrase": {phrases("p", "Any more"), 1},
	} {
		if len(tc.got) != tc.want {
			t.Errorf("%s: findings %q, want %d", name, tc.got, tc.want)
		}
	}
}
