package awsdeploy

import (
	"os"
	"strings"
	"testing"

	"gatehouse.example/tools/stacks"
)

func TestAsk(t *testing.T) {
	t.Parallel()
	nowhere, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	for name, tc := range map[string]struct {
		typed    string
		terminal bool
		given    bool
		err      string
	}{
		"typed":       {"dev\n", true, false, ""},
		"flag":        {"", false, true, ""},
		"refused":     {"no\n", true, false, "nothing was changed"},
		"habit":       {"yes\n", true, false, "nothing was changed"},
		"no_terminal": {"dev\n", false, false, "add --yes dev"},
		"end":         {"", true, false, "add --yes dev"},
	} {
		s := &session{in: strings.NewReader(tc.typed), out: nowhere, terminal: tc.terminal}
		err := s.ask("Delete?", "dev", tc.given, "--yes dev")
		if (tc.err == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.err) {
			t.Errorf("%s: got %v, want %q", name, err, tc.err)
		}
	}
}

func TestOthers(t *testing.T) {
	t.Parallel()
	var all []plannedStack
	for _, name := range []string{"a", "b", "c"} {
		all = append(all, plannedStack{Stack: stacks.Stack{Name: name}})
	}
	if got := others(all, 1); !strings.HasPrefix(got, "As planned: a. As before: c. ") {
		t.Errorf("got %q", got)
	}
	if got := others(all[:1], 0); strings.Contains(got, "As ") {
		t.Errorf("got %q, but there are no others", got)
	}
}
