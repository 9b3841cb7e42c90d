package sam

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse.example/tools/stacks"
)

func TestLogEnd(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "log")
	text := "old\n" + strings.Repeat("------\n\n", 30) + strings.Repeat("line\n", shownLines-1) + "Error: it\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got := LogEnd(path)
	if strings.Contains(got, "old") || strings.Contains(got, "---") || !strings.Contains(got, "Error: it") || !strings.Contains(got, path) {
		t.Errorf("end of the log:\n%s", got)
	}
}

// fakePython writes a program that fails on its first run and succeeds afterwards.
func fakePython(t *testing.T, venv, message string) {
	t.Helper()
	script := "#!/bin/sh\nif [ -e " + venv + "/ran ]; then exit 0; fi\ntouch " + venv + "/ran\necho '" + message + "'\nexit 1\n"
	if err := os.MkdirAll(filepath.Join(venv, "bin"), 0o750); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(venv, "bin", "python"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
}

func TestDeployAfterALostAnswer(t *testing.T) {
	t.Parallel()
	failed := errors.New("not settled")
	for name, tc := range map[string]struct {
		message string
		settle  error
		settled int
		fails   bool
	}{
		"change_set_created":  {"An error occurred (AlreadyExistsException) when calling the CreateChangeSet operation: it exists", nil, 1, false},
		"change_set_executed": {"An error occurred (InvalidChangeSetStatus) when calling the ExecuteChangeSet operation: it runs", nil, 1, false},
		"not_settled":         {"An error occurred (InvalidChangeSetStatus) when calling the ExecuteChangeSet operation: it runs", failed, 1, true},
		"another_error":       {"An error occurred (ValidationError) when calling the CreateChangeSet operation: no template", nil, 0, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir, settled := t.TempDir(), 0
			fakePython(t, dir, tc.message)
			log, err := os.Create(filepath.Join(dir, "log"))
			if err != nil {
				t.Fatal(err)
			}
			defer log.Close()
			cli := CLI{Workspace: stacks.Workspace{Dir: dir, Venv: dir}, Settle: func(_ context.Context, stack string) error {
				settled++
				if stack != "gatehouse-dev-guard" {
					t.Errorf("settled %s", stack)
				}
				return tc.settle
			}}
			err = cli.Deploy(t.Context(), Deployment{Stack: stacks.Stack{Name: "guard", Dir: dir}, Name: "gatehouse-dev-guard"}, log)
			if (err != nil) != tc.fails || settled != tc.settled {
				t.Errorf("got %v after %d waits, want failure: %v after %d", err, settled, tc.fails, tc.settled)
			}
		})
	}
}
