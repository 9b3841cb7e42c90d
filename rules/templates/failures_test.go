package templates

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// impacts reads docs/failures.md, which TestFailures in e2e/failures writes, and returns
// for each function what its comment and its service's README say.
func impacts(page string) map[string]string {
	out := map[string]string{}
	for _, section := range strings.Split(page, "\n## ")[1:] {
		name, table, _ := strings.Cut(section, "\n")
		var order []string
		faults := map[string][]string{}
		for _, row := range regexp.MustCompile(`(?m)^\| (.+) \| (.+) \| (.+) \| (.+) \|$`).FindAllStringSubmatch(table, -1)[1:] {
			follows := row[2] + ", event " + row[3]
			switch row[3] {
			case "nowhere":
				follows = row[2] + ", no event"
			case "none":
				follows = row[2]
			}
			if harmless(row[2], row[3]) {
				continue
			}
			if faults[follows] == nil {
				order = append(order, follows)
			}
			faults[follows] = append(faults[follows], row[1])
		}
		var parts []string
		for _, follows := range order {
			parts = append(parts, strings.Join(faults[follows], ", ")+": "+follows)
		}
		out[name] = strings.Join(parts, "; ") + "."
	}
	return out
}

// harmless reports whether the event is where it belongs, and people notice nothing.
func harmless(people, event string) bool {
	return people == "people notice nothing" && slices.Contains([]string{"none", "on the topic", "on the bus", "in the metrics", "in the audit table", "in a mail"}, event)
}

// words makes texts comparable that are wrapped in different ways.
func words(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "#", " ")), " ")
}

// failureImpact compares the comment above each function, and the README of its service,
// with what its faults did.
func failureImpact(all []*template.Template, of map[string]string, read func(path string) string) []string {
	var out []string
	for _, t := range all {
		for _, f := range t.Resources(repository.FunctionType) {
			want, ok := of[path.Base(template.Text(f.Prop("CodeUri")))]
			if !ok {
				continue
			}
			if got := words(t.CommentAbove(f.Key.Line)); !strings.Contains(got, "Failure impact: "+want) {
				out = append(out, fmt.Sprintf("%s: the comment is not docs/failures.md: want '# Failure impact: %s'", f, want))
			}
			readme := repository.Dir(t) + "/README.md"
			if !strings.Contains(words(read(readme)), want) {
				out = append(out, fmt.Sprintf("%s: not as in docs/failures.md: want %q", readme, want))
			}
		}
	}
	return out
}

func TestFailureImpact(t *testing.T) {
	t.Parallel()
	of := impacts(repository.Read(t, filepath.Join(repository.Root, "docs/failures.md")))
	for _, name := range repository.CognitoTriggers {
		if _, ok := of[name]; !ok {
			t.Errorf("docs/failures.md has no section for %s", name)
		}
	}
	read := func(path string) string { return repository.Read(t, filepath.Join(repository.Root, path)) }
	repository.Report(t, failureImpact(repository.Templates(t), of, read))
	// The README of the repository summarizes all triggers in one sentence.
	refused := []string{"crash at init", "crash in a call", "timeout", "throttle", "permission gone"}
	const sentence = "A trigger that crashes, times out, is throttled or may not be called makes Cognito refuse the sign-up or sign-in"
	for _, name := range repository.CognitoTriggers {
		for _, fault := range refused {
			if refusal, _, _ := strings.Cut(of[name], ": "); !slices.Contains(strings.Split(refusal, ", "), fault) {
				t.Errorf("%s: %s: %q: not as in README.md: %s", name, fault, of[name], sentence)
			}
		}
	}
	if !strings.Contains(words(read("README.md")), sentence) {
		t.Errorf("README.md does not say: %s", sentence)
	}
}

func TestFailureImpactPlanted(t *testing.T) {
	t.Parallel()
	page := "# x\n\n## f\n\n| fault | people | event | alarm |\n|---|---|---|---|\n| crash, timeout | refused | nowhere | a |\n" +
		"| topic down | people notice nothing | in the outbox | b |\n| throttle | refused | nowhere | c |\n| table down | people notice nothing | on the topic | none |\n"
	const want = "crash, timeout, throttle: refused, no event; topic down: people notice nothing, event in the outbox."
	of := impacts(page)
	if of["f"] != want {
		t.Errorf("impacts = %q", of)
	}
	text := func(comment string) []*template.Template {
		return []*template.Template{repository.MustParse(t, "services/good/template.yaml", "Resources:\n"+comment+
			"  F:\n    Type: AWS::Serverless::Function\n    Properties: {CodeUri: cmd/f}\n")}
	}
	good := "  # Failure impact: crash, timeout, throttle: refused, no event; topic\n  # down: people notice nothing, event in the outbox.\n"
	for name, tc := range map[string]struct {
		comment, readme string
		finds           int
	}{
		"as_it_is":      {good, "| f | " + want + " |", 0},
		"other_comment": {"  # Failure impact: sign-ins go on.\n", want, 1},
		"other_readme":  {good, "sign-ins go on", 1},
	} {
		if got := failureImpact(text(tc.comment), of, func(string) string { return tc.readme }); len(got) != tc.finds {
			t.Errorf("%s: %q, want %d findings", name, got, tc.finds)
		}
	}
}
