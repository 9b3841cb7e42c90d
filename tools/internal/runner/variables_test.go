package runner

import (
	"strings"
	"testing"
)

func TestReplaceVariables(t *testing.T) {
	t.Parallel()
	known := variables{"Src": {"CommitId": "4f2a"}, pipelineNamespace: {"ROLLOUT": "AllAtOnce"}}
	for name, tc := range map[string]struct{ text, want, err string }{
		"none":           {"plain ${A} {x}", "plain ${A} {x}", ""},
		"some":           {`{"a":"#{Src.CommitId}-#{variables.ROLLOUT}"}`, `{"a":"4f2a-AllAtOnce"}`, ""},
		"unknown_space":  {"#{Source.CommitId}", "", `no earlier action has the namespace "Source"`},
		"unknown_key":    {"#{Src.Commit}", "", "#{Src.Commit} has no value"},
		"no_key":         {"#{Src}", "", "is not #{NAMESPACE.NAME}"},
		"wrong_alphabet": {"#{Src.a b}", "", "is not #{NAMESPACE.NAME}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := known.replace(tc.text)
			if tc.err == "" && (err != nil || got != tc.want) || tc.err != "" && (err == nil || !strings.Contains(err.Error(), tc.err)) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestReplaceVariablesNamesTheSetting(t *testing.T) {
	t.Parallel()
	if _, err := (variables{}).replaceAll(map[string]string{"CustomData": "#{a.b}"}); err == nil || !strings.HasPrefix(err.Error(), "CustomData: ") {
		t.Errorf("got %v", err)
	}
}

func FuzzReplaceVariables(f *testing.F) {
	f.Add("#{a.b}#{")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := (variables{"a": {"b": "c"}}).replace(text)
		if err == nil && strings.Contains(got, "#{a.b}") {
			t.Errorf("%q became %q", text, got)
		}
	})
}
