package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/text"
)

// step is a block of commands of a page such as docs/walkthrough.md with the output that
// the page shows. In the output … stands for anything within a line, and a line of
// nothing else for any lines.
type step struct {
	line   int
	script string
	output string
	shown  bool // whether the page shows an output at all
}

// steps reads the page: each `sh` block, and the `text` block that follows it.
func steps(page []byte) ([]step, error) {
	var out []step
	root := goldmark.DefaultParser().Parse(text.NewReader(page))
	err := ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		block, ok := n.(*ast.FencedCodeBlock)
		if !ok || !entering {
			return ast.WalkContinue, nil
		}
		content := string(block.Lines().Value(page))
		line := 1 + strings.Count(string(page[:block.Info.Segment.Start]), "\n")
		switch language := string(block.Language(page)); language {
		case "sh":
			out = append(out, step{line: line, script: content})
		case "text":
			last := len(out) - 1
			if last < 0 || out[last].shown {
				return ast.WalkStop, fmt.Errorf("line %d: an output without commands", line)
			}
			out[last].output, out[last].shown = content, true
		default:
			return ast.WalkStop, fmt.Errorf("line %d: a block of %q; use sh for commands and text for what they print", line, language)
		}
		return ast.WalkContinue, nil
	})
	return out, err
}

// fails reports whether the page shows the step failing.
func (s step) fails() bool { return strings.Contains(s.output, "An error occurred") }

// match reports whether got is what the page shows.
func match(shown, got string) bool {
	var pattern strings.Builder
	pattern.WriteString(`^`)
	for line := range strings.Lines(strings.TrimSpace(shown) + "\n") {
		if strings.TrimSpace(line) == "…" {
			pattern.WriteString(`(?:.*\n)*?`)
			continue
		}
		pattern.WriteString(strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*"))
	}
	pattern.WriteString(`$`)
	return regexp.MustCompile(pattern.String()).MatchString(strings.TrimSpace(got) + "\n")
}

// walk runs all steps in one shell, as a reader does, and returns what each
// printed and how it ended.
func walk(t *testing.T, s *system, all []step) (outputs []string, codes []int) {
	t.Helper()
	dir := t.TempDir() // takes the place of the clone, with what the pages name
	for name, target := range map[string]string{".local": s.dir, "bin": filepath.Join(s.root, "bin"), "services": filepath.Join(s.root, "services")} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	results := t.TempDir()
	var script strings.Builder
	for i, one := range all {
		file := filepath.Join(results, strconv.Itoa(i))
		fmt.Fprintf(&script, "{\n%s} >%s.out 2>&1 </dev/null; echo $? >%s.code\n", one.script, file, file)
	}
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + filepath.Join(s.root, ".local", "venv", "bin") + ":" + os.Getenv("PATH"), "HOME=" + dir}
	cmd.Stdin = strings.NewReader(script.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Logf("the shell ended with %v: %s", err, out)
	}
	for i := range all {
		file := filepath.Join(results, strconv.Itoa(i))
		printed, err := os.ReadFile(file + ".out")
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Fatal(err)
		}
		code, err := os.ReadFile(file + ".code")
		if err != nil {
			code = []byte("-1") // never reached
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(code)))
		if err != nil {
			t.Fatal(err)
		}
		outputs, codes = append(outputs, string(printed)), append(codes, n)
	}
	return outputs, codes
}

// TestWalkthrough runs the commands of docs/walkthrough.md and compares the output.
func TestWalkthrough(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.forget(t, "erika.walk@example.net", "erika.new@example.net", "max.walk@example.net")
	s.plays(t, filepath.Join(s.root, "docs", "walkthrough.md"))
}

// plays runs the commands of a page and compares the output.
func (s *system) plays(t *testing.T, page string) {
	t.Helper()
	all := must(steps(must(os.ReadFile(page))(t)))(t)
	outputs, codes := walk(t, s, all)
	for i, one := range all {
		if (codes[i] != 0) != one.fails() {
			t.Errorf("line %d: exit code %d\n%s%s", one.line, codes[i], one.script, outputs[i])
		}
		if one.shown && !match(one.output, outputs[i]) {
			t.Errorf("line %d:\n%sprints\n%s\nand not, as the page says,\n%s", one.line, one.script, outputs[i], one.output)
		}
	}
}

// forget deletes what an earlier, broken run may have left.
func (s *system) forget(t *testing.T, addresses ...string) {
	t.Helper()
	for _, address := range addresses {
		_, _ = s.run(t, "aws", "cognito-idp", "admin-delete-user", "--user-pool-id", s.env["USER_POOL_ID"], "--username", address)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		shown, got string
		want       bool
	}{
		"same":            {"a\nb\n", "a\nb\n", true},
		"outer_space":     {"a\n", "\na\n\n", true},
		"other":           {"a\n", "b\n", false},
		"within_a_line":   {`"Sub": "…"`, `"Sub": "1-2"`, true},
		"not_over_lines":  {`a…b`, "a\nb", false},
		"lines":           {"{\n…\n}", "{\n1\n2\n}", true},
		"no_lines":        {"{\n…\n}", "{\n}", true},
		"more_than_shown": {"a\n", "a\nb\n", false},
		"less_than_shown": {"a\nb\n", "a\n", false},
		"not_a_pattern":   {"a.c", "abc", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := match(tc.shown, tc.got); got != tc.want {
				t.Errorf("match is %t", got)
			}
		})
	}
}
