package templates

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

var tableRow = regexp.MustCompile(`(?m)^\| (.+) \| (.+) \| (.+) \| (.+) \|$`)

// noticed reads docs/failures.md, and returns for each alarm and function what people
// notice while one of its faults raises the alarm.
func noticed(page string) map[string]map[string][]string {
	out := map[string]map[string][]string{}
	for _, section := range strings.Split(page, "\n## ")[1:] {
		function, table, _ := strings.Cut(section, "\n")
		for _, row := range tableRow.FindAllStringSubmatch(table, -1)[1:] {
			for alarm := range strings.SplitSeq(row[4], ", ") {
				if out[alarm] == nil {
					out[alarm] = map[string][]string{}
				}
				out[alarm][function] = append(out[alarm][function], row[2])
			}
		}
	}
	delete(out, "none")
	return out
}

// unnoticed reports whether people notice nothing in any of these cases.
func unnoticed(cases []string) bool {
	return !slices.ContainsFunc(cases, func(people string) bool { return !strings.HasPrefix(people, "people notice nothing") })
}

// playbooksOfFailures compares what the playbooks say that people notice with what the
// faults did that raise their alarms. pages maps an alarm to the text of its playbook.
func playbooksOfFailures(alarms map[string]map[string][]string, pages map[string]string) []string {
	var out []string
	for _, alarm := range slices.Sorted(maps.Keys(alarms)) {
		_, says, found := strings.Cut(pages[alarm], "**People notice:**")
		if !found {
			out = append(out, alarm+": its playbook does not say what people notice")
			continue
		}
		says, _, _ = strings.Cut(says, "\n## ")
		for _, function := range slices.Sorted(maps.Keys(alarms[alarm])) {
			nothing := unnoticed(alarms[alarm][function])
			if strings.HasPrefix(says, " nothing") && !nothing {
				out = append(out, fmt.Sprintf("%s: its playbook says that people notice nothing, but of %s: %s", alarm, function, alarms[alarm][function]))
			}
			if !strings.HasPrefix(says, "\n\n| function |") {
				continue
			}
			row := regexp.MustCompile("(?m)^\\|.*-" + function + "`.*\\|$").FindString(says)
			cells := strings.Split(row, " | ")
			if len(cells) < 2 || strings.HasPrefix(cells[1], "nothing") != nothing {
				out = append(out, fmt.Sprintf("%s: its playbook has no row for %s that says: %s", alarm, function, alarms[alarm][function]))
			}
		}
	}
	return out
}

func TestPlaybooksOfFailures(t *testing.T) {
	t.Parallel()
	pages := map[string]string{}
	for _, tmpl := range repository.Templates(t) {
		for _, alarm := range tmpl.Resources("AWS::CloudWatch::Alarm") {
			name := strings.TrimPrefix(template.Text(alarm.Prop("AlarmName")), "gatehouse-${Environment}-")
			page := regexp.MustCompile(`docs/playbooks/[a-z-]+\.md`).FindString(template.Text(alarm.Prop("AlarmDescription")))
			if page != "" {
				pages[name] = repository.Read(t, filepath.Join(repository.Root, page))
			}
		}
	}
	repository.Report(t, playbooksOfFailures(noticed(repository.Read(t, filepath.Join(repository.Root, "docs/failures.md"))), pages))
}

func TestPlaybooksOfFailuresPlanted(t *testing.T) {
	t.Parallel()
	const head = "| fault | people | event | alarm |\n|---|---|---|---|\n"
	alarms := noticed("# x\n\n## f\n\n" + head + "| crash | refused | nowhere | s-f-errors |\n| topic down | people notice nothing | in the outbox | none |\n\n## g\n\n" +
		head + "| crash | people notice nothing | in its queue | s-g-errors |\n")
	if len(alarms) != 2 {
		t.Errorf("noticed = %v", alarms)
	}
	table := func(f, g string) string {
		return "**People notice:**\n\n| function | people | data |\n|---|---|---|\n| `s-f` | " + f + " | x |\n| `s-x`, `-g` | " + g + " | x |\n\n## Next\n"
	}
	for name, tc := range map[string]struct {
		f, g  string
		finds int
	}{
		"as_it_is":    {table("cannot sign in", "nothing"), table("cannot sign in", "nothing"), 0},
		"text":        {"**People notice:** errors.", "**People notice:** nothing.", 0},
		"sign_ins_go": {"**People notice:** nothing.", "**People notice:** nothing.", 1},
		"wrong_row":   {table("nothing", "nothing"), table("nothing", "cannot sign in"), 2},
		"no_row":      {strings.Replace(table("x", "y"), "`s-f`", "`s-h`", 1), table("x", "nothing"), 1},
		"no_sentence": {"# Nothing", "**People notice:** nothing.", 1},
	} {
		if got := playbooksOfFailures(alarms, map[string]string{"s-f-errors": tc.f, "s-g-errors": tc.g}); len(got) != tc.finds {
			t.Errorf("%s: %q, want %d findings", name, got, tc.finds)
		}
	}
}
