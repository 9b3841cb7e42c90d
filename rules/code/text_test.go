package code

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// texts: no file refers to something outside the repository, has notes about open work,
// which belong in issues, or makes the text of an AWS error into an error of its own, which
// traces then cannot name.
func texts(file, text string) []string {
	var out []string
	// The patterns are split, so that this file does not match them.
	for why, pattern := range map[string]string{
		"a path outside the repository":   `\.\./` + `shared\b|(^|[\s"'(=` + "`" + `])/wo` + `rk/|/tmp/` + `lab\b`,
		"a setting of one machine's pip":  `^--(find-li` + `nks|index-url|extra-index-url|trusted-host)\b`,
		"use %" + "w and reason.Safe":     `Errorf\(.*%s.*\breason\.O` + `f\(`,
		"a note that belongs in an issue": `\bTO` + `DO\b|\bFIX` + `ME\b`,
	} {
		r := regexp.MustCompile(`(?m)` + pattern)
		for i, line := range strings.Split(text, "\n") {
			if r.MatchString(line) {
				out = append(out, fmt.Sprintf("%s:%d: %s: %s", file, i+1, why, strings.TrimSpace(line[:min(len(line), 120)])))
			}
		}
	}
	return out
}

func TestTexts(t *testing.T) {
	t.Parallel()
	for _, file := range repository.Files(t) {
		text := repository.Read(t, file)
		if bytes.IndexByte([]byte(text), 0) >= 0 {
			continue // not a text
		}
		repository.Report(t, texts(repository.Short(file), text))
	}
}

func TestTextsPlanted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"see net/work/x and todo lists":                        false,
		"see ../sha" + "red/DESIGN.md":                         true,
		"cd /wo" + "rk/main":                                   true,
		"dir = \"/wo" + "rk/x\"":                               true,
		"in /tmp/la" + "b/x":                                   true,
		"--find-li" + "nks /opt/wheels":                        true,
		"pip --find-li" + "nks":                                false,
		"// TO" + "DO: later":                                  true,
		"# FIX" + "ME":                                         true,
		`fmt.Errorf("sns.Publish: %s", reason.O` + `f(err))`:   true,
		`fmt.Errorf("sns.Publish: %w", reason.Safe(err))`:      false,
		`log.Error("kept", "topicError", reason.O` + `f(err))`: false,
	} {
		if got := texts("f", text); (len(got) > 0) != want {
			t.Errorf("texts(%q) = %v, want a finding: %v", text, got, want)
		}
	}
}
