package e2e

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// playbook says how a page of docs/playbooks is executed.
type playbook struct {
	// alone reports whether the problem, or its repair, disturbs other tests.
	alone bool
	// cause causes the problem of the page.
	cause func(*testing.T, *system) outage
	// without are commands that are not executed, by a part of them, and why. A part that the
	// page no longer has fails the test.
	without map[string]string
	// prints are expressions of what each block of commands prints, in the order of the page.
	// An empty one is of a block that prints nothing.
	prints []string
}

// outage is a problem that a test caused.
type outage struct {
	// values are what the reader puts in, such as the page's placeholders.
	values map[string]string
	// sees are texts that the commands print, as names and ids of it.
	sees []string
	// over does what the page says without a command, such as to repair an app, and fails
	// unless the problem is over.
	over func()
}

const (
	checksBegin = "\n## Check first\n"
	overBegins  = "\n## Over when\n"
)

// reader is who follows a page. It answers the questions of the commands with yes, and
// tries again to drop a message while its consumer has it.
const reader = `. .local/env
gatehouse() {
  case "$*" in
  detach*|*--repair*) bin/gatehouse "$@" --yes;;
  "events dead drop"*) until bin/gatehouse "$@" --yes; do :; done 2>/dev/null;;
  *) bin/gatehouse "$@";;
  esac
}
`

// TestPlaybookOfEveryPage: each page is followed after its problem was caused, here or by
// a test that is named.
func TestPlaybookOfEveryPage(t *testing.T) {
	t.Parallel()
	pages := map[string][]byte{}
	for _, file := range must(filepath.Glob("../docs/playbooks/*.md"))(t) {
		pages[strings.TrimSuffix(filepath.Base(file), ".md")] = must(os.ReadFile(file))(t)
	}
	tests := ""
	for _, file := range must(filepath.Glob("*_test.go"))(t) {
		tests += string(must(os.ReadFile(file))(t))
	}
	for _, finding := range unexecuted(pages, playbooks(), executedElsewhere(), tests) {
		t.Error(finding)
	}
}

// unexecuted returns what is wrong with the executions of pages.
func unexecuted(pages map[string][]byte, here map[string]playbook, elsewhere map[string]string, tests string) []string {
	var out []string
	for name, text := range pages {
		page, isHere := here[name]
		why := elsewhere[name]
		test, _, _ := strings.Cut(why, " ")
		blocks, err := steps(text)
		_, over, _ := bytes.Cut(text, []byte(overBegins))
		switch {
		case err != nil:
			out = append(out, name+": "+err.Error())
		case isHere == (why != ""):
			out = append(out, name+" is not executed, or twice: add it to playbooks or to executedElsewhere")
		case isHere && page.cause == nil:
			out = append(out, name+": nothing causes its problem")
		case isHere && len(page.prints) != len(blocks):
			out = append(out, fmt.Sprintf("%s has %d blocks of commands, and %d of what they print", name, len(blocks), len(page.prints)))
		case !isHere && !strings.Contains(tests, "func "+test+"(t *testing.T)"):
			out = append(out, name+": there is no "+test)
		}
		if !bytes.Contains(over, []byte("```sh\n")) && !regexp.MustCompile(`(?i)\bcheck [1-9]`).Match(over) {
			out = append(out, name+": 'Over when' neither has a command nor names a check")
		}
	}
	for _, name := range slices.Concat(slices.Collect(maps.Keys(here)), slices.Collect(maps.Keys(elsewhere))) {
		if pages[name] == nil {
			out = append(out, "there is no docs/playbooks/"+name+".md")
		}
	}
	return out
}

func TestPlaybookOfEveryPagePlanted(t *testing.T) {
	t.Parallel()
	const text = "# A\n\n```sh\naws a\n```\n" + overBegins + "\n```sh\naws b\n```\n"
	cause := func(*testing.T, *system) outage { return outage{} }
	for name, tc := range map[string]struct {
		page      string
		here      map[string]playbook
		elsewhere map[string]string
		want      string // a part of the only finding
	}{
		"executed":           {page: text, here: map[string]playbook{"a": {cause: cause, prints: []string{"x", "y"}}}},
		"executed_elsewhere": {page: text, elsewhere: map[string]string{"a": "TestA does"}},
		"new_page":           {page: text, want: "a is not executed"},
		"twice":              {page: text, here: map[string]playbook{"a": {}}, elsewhere: map[string]string{"a": "TestA"}, want: "twice"},
		"checks_only":        {page: text, here: map[string]playbook{"a": {prints: []string{"x", "y"}}}, want: "nothing causes its problem"},
		"new_block":          {page: text, here: map[string]playbook{"a": {cause: cause, prints: []string{"x"}}}, want: "2 blocks of commands, and 1"},
		"no_such_test":       {page: text, elsewhere: map[string]string{"a": "TestB does"}, want: "there is no TestB"},
		"no_such_page":       {page: text, elsewhere: map[string]string{"a": "TestA", "b": "TestA"}, want: "there is no docs/playbooks/" + "b.md"},
		"over_without": {
			page: strings.Replace(text, "```sh\naws b\n```", "The alarm is OK.", 1), elsewhere: map[string]string{"a": "TestA"},
			want: "neither has a command",
		},
		"over_names_a_check": {page: strings.Replace(text, "```sh\naws b\n```", "Check 2 shows zero.", 1), elsewhere: map[string]string{"a": "TestA"}},
		"no_block":           {page: text + "```json\n{}\n```\n", elsewhere: map[string]string{"a": "TestA"}, want: "use sh for commands"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := unexecuted(map[string][]byte{"a": []byte(tc.page)}, tc.here, tc.elsewhere, "func TestA(t *testing.T) {")
			if len(got) > 1 || (len(got) == 1) != (tc.want != "") || len(got) == 1 && !strings.Contains(got[0], tc.want) {
				t.Errorf("got %q, want %q", got, tc.want)
			}
		})
	}
}

// TestPlaybooksBesideOthers causes the problems that disturb no other test.
func TestPlaybooksBesideOthers(t *testing.T) {
	t.Parallel()
	s := start(t)
	for name, page := range playbooks() {
		if !page.alone {
			t.Run(name, func(t *testing.T) { s.execute(t, name, page) })
		}
	}
}

// TestPlaybooks causes each other problem, follows its page, and looks whether it is over.
func TestPlaybooks(t *testing.T) {
	t.Parallel()
	s := alone(t)
	for name, page := range playbooks() {
		if page.alone {
			t.Run(name, func(t *testing.T) { s.execute(t, name, page) })
		}
	}
	if out, err := s.gatehouse(t, "drift", "--repair", "--yes"); err != nil {
		t.Errorf("drift afterwards: %v\n%s", err, out)
	}
}

// execute causes the problem of a page and runs its commands: the checks and the fix once,
// and those that tell when it is over until they do.
func (s *system) execute(t *testing.T, name string, page playbook) {
	t.Helper()
	made := page.cause(t, s)
	text := must(os.ReadFile(filepath.Join(s.root, "docs", "playbooks", name+".md")))(t)
	all := must(steps(text))(t)
	for i := range all {
		all[i].script = page.withoutCommands(all[i].script)
	}
	for part := range page.without {
		if !bytes.Contains(text, []byte(part)) {
			t.Errorf("%s no longer has %q", name, part)
		}
	}
	replace := []string{"ENVIRONMENT=production", "ENVIRONMENT=local", "fileb://services", "fileb://" + s.root + "/services"}
	for from, to := range made.values {
		replace = append(replace, from, to)
		if !bytes.Contains(text, []byte(from)) {
			t.Errorf("%s does not have %q", name, from)
		}
	}
	for i := range all {
		all[i].script = strings.NewReplacer(replace...).Replace(all[i].script)
	}
	all[0].script = reader + all[0].script
	checks, end := blocksBefore(text, all, checksBegin), blocksBefore(text, all, overBegins)
	outputs, codes := walk(t, s, all[:end])
	for i, one := range all[:end] {
		if problem := one.unlike(page.prints[i], outputs[i], codes[i]); problem != "" {
			t.Errorf("%s, line %d: %s", name, one.line, problem)
		}
	}
	for _, want := range made.sees {
		if output := strings.Join(outputs, ""); !strings.Contains(output, want) {
			t.Errorf("%s: the commands do not print %q:\n%s", name, want, output)
		}
	}
	made.over()
	if end == len(all) {
		return
	}
	again := append(slices.Clone(all[:checks]), all[end:]...)
	progress(t, func() (string, bool) {
		outputs, codes := walk(t, s, again)
		problem := ""
		for i, one := range again[checks:] {
			problem += one.unlike(page.prints[end+i], outputs[checks+i], codes[checks+i])
		}
		return name + ": " + problem, problem == ""
	})
}

// blocksBefore is how many blocks are above a heading.
func blocksBefore(text []byte, all []step, heading string) int {
	above, _, _ := bytes.Cut(text, []byte(heading))
	line := bytes.Count(above, []byte("\n"))
	return len(slices.DeleteFunc(slices.Clone(all), func(one step) bool { return one.line > line }))
}

// unlike says how a block did something else than what its page says, or nothing.
func (s step) unlike(prints, output string, code int) string {
	// Status and drift say by their exit status that there is something to repair, and a replay
	// that a consumer moved a message back, because nobody has deployed another version of it.
	tells := slices.ContainsFunc([]string{"gatehouse status", "gatehouse drift", "gatehouse events dead replay"}, func(command string) bool {
		return strings.Contains(s.script, command)
	})
	switch {
	case code != 0 && !tells:
		return fmt.Sprintf("exit code %d\n%s%s", code, s.script, output)
	case strings.Contains(output, "An error occurred"):
		return "it fails\n" + s.script + output
	case prints == "" && strings.TrimSpace(output) != "":
		return "it prints something\n" + s.script + output
	case !regexp.MustCompile("(?s)" + prints).MatchString(output):
		return fmt.Sprintf("it does not print %q\n%s%s", prints, s.script, output)
	}
	return ""
}

// withoutCommands leaves the lines of these commands out, with those that continue them.
func (p playbook) withoutCommands(script string) string {
	var out strings.Builder
	skips := false
	for line := range strings.Lines(script) {
		for part := range p.without {
			skips = skips || strings.Contains(line, part)
		}
		if !skips {
			out.WriteString(line)
		}
		skips = skips && strings.HasSuffix(strings.TrimSpace(line), `\`)
	}
	if out.Len() == 0 {
		return "true\n"
	}
	return out.String()
}
