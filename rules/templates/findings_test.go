package templates

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/services/signin-audit/findings"
	"gatehouse.example/tools/template"
)

// findingsFile is the template with the settings of findings.
const findingsFile = "services/signin-audit/template.yaml"

// findingsSettings: the parameters of the stack are the settings that the code knows, with
// the same defaults and bounds, and each is in the SSM parameter that the function reads.
// Otherwise `gatehouse findings try` would evaluate other rules than the function.
func findingsSettings(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		if t.Path != findingsFile {
			continue
		}
		var lines []string
		for _, p := range t.Resources("AWS::SSM::Parameter") {
			lines = append(lines, template.Texts(p.Prop("Value"))...)
		}
		text := func(parameter, name string) string {
			return template.Text(template.Get(t.Root, "Parameters", parameter, name))
		}
		for _, s := range findings.All() {
			if !slices.ContainsFunc(lines, func(line string) bool {
				return strings.HasPrefix(line, s.Name+"=") && strings.HasSuffix(line, "${"+s.Name+"}")
			}) {
				out = append(out, t.Path+": "+s.Name+" is not in the SSM parameter of the findings' settings")
			}
			if template.Get(t.Root, "Parameters", s.Name, "Default") == nil || text(s.Name, "Default") != s.Default {
				out = append(out, fmt.Sprintf("%s: the default of %s is not that of the code, %q", t.Path, s.Name, s.Default))
			}
			if s.Max > 0 && (text(s.Name, "MinValue") != strconv.Itoa(s.Min) || text(s.Name, "MaxValue") != strconv.Itoa(s.Max)) {
				out = append(out, fmt.Sprintf("%s: %s is not from %d to %d, as in the code", t.Path, s.Name, s.Min, s.Max))
			}
		}
	}
	return out
}

func TestFindingsSettings(t *testing.T) {
	t.Parallel()
	repository.Report(t, findingsSettings(repository.Templates(t)))
}

func TestFindingsSettingsPlanted(t *testing.T) {
	t.Parallel()
	good := repository.Read(t, repository.Root+"/"+findingsFile)
	for name, tc := range map[string]struct{ old, new, want string }{
		"as_it_is":      {"", "", ""},
		"other_default": {"FindingsFailures: {Type: Number, Default: 10,", "FindingsFailures: {Type: Number, Default: 11,", `the default of FindingsFailures is not that of the code, "10"`},
		"other_bound":   {"Default: 3, MinValue: 2, MaxValue: 6,", "Default: 3, MinValue: 2, MaxValue: 9,", "FindingsLockedHours is not from 2 to 6"},
		"not_passed_on": {`!Sub "FindingsSignUps=${FindingsSignUps}"`, `!Sub "FindingsSignUps=${FindingsFailures}"`, "FindingsSignUps is not in the SSM parameter"},
	} {
		text := strings.Replace(good, tc.old, tc.new, 1)
		if text == good && tc.old != "" {
			t.Errorf("%s: nothing to plant the error in", name)
		}
		got := strings.Join(findingsSettings([]*template.Template{repository.MustParse(t, findingsFile, text)}), "\n")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
