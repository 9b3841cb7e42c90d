package templates

import (
	"fmt"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// composites: the playbook of an alarm that is made of others leads to the playbooks of
// these, because on AWS it is the only one of them that pages.
func composites(read func(page string) string) repository.Rule {
	playbook, member := regexp.MustCompile(`docs/playbooks/[a-z-]+\.md`), regexp.MustCompile(`\$\{(\w+)\}`)
	return func(all []*template.Template) []string {
		var out []string
		for _, t := range all {
			pages := map[string]string{}
			for _, a := range t.Resources("AWS::CloudWatch::Alarm") {
				pages[a.ID] = playbook.FindString(template.Text(a.Prop("AlarmDescription")))
			}
			for _, c := range t.Resources("AWS::CloudWatch::CompositeAlarm") {
				own := playbook.FindString(template.Text(c.Prop("AlarmDescription")))
				if own == "" { // of another team
					continue
				}
				for _, m := range member.FindAllStringSubmatch(template.Text(c.Prop("AlarmRule")), -1) {
					page := pages[m[1]]
					if page != own && page != "" && !strings.Contains(read(own), "("+path.Base(page)) {
						out = append(out, fmt.Sprintf("%s: %s does not lead to %s, the playbook of %s", c, own, path.Base(page), m[1]))
					}
				}
			}
		}
		return out
	}
}

func TestComposites(t *testing.T) {
	t.Parallel()
	read := func(page string) string { return repository.Read(t, filepath.Join(repository.Root, page)) }
	repository.Report(t, composites(read)(repository.Templates(t)))
}

func TestCompositesPlanted(t *testing.T) {
	t.Parallel()
	repository.Plant(t, composites(func(string) string { return "[slow](trigger-slow.md)" }), map[string]repository.Planted{
		"other_page": {`ALARM(${OldAlarm})`, `ALARM(${OldAlarm}) OR ALARM(${DeadAlarm})`, "does not lead to dead-letters.md, the playbook of DeadAlarm"},
	})
}
