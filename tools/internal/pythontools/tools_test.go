package pythontools

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gatehouse.example/tools/stacks"
)

// pinned is a workspace with a requirements file.
func pinned(t *testing.T, text string) stacks.Workspace {
	t.Helper()
	root := t.TempDir()
	l := stacks.Workspace{Root: root, Dir: filepath.Join(root, ".local"), Venv: filepath.Join(root, ".local", "venv")}
	for _, dir := range []string{filepath.Dir(l.Requirements()), l.Venv} {
		if err := os.MkdirAll(dir, 0o750); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(l.Requirements(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestReady(t *testing.T) {
	t.Parallel()
	l := pinned(t, "a==1")
	if ready, err := Ready(l); ready || err != nil {
		t.Errorf("half an installation: %v, %v", ready, err)
	}
	sum, err := fingerprint(l)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(l.Venv, stamp), []byte(sum), 0o600); err != nil {
		t.Fatal(err)
	}
	if ready, err := Ready(l); !ready || err != nil {
		t.Errorf("installed: %v, %v", ready, err)
	}
	if err := os.WriteFile(l.Requirements(), []byte("a==2"), 0o600); err != nil {
		t.Fatal(err)
	}
	if ready, err := Ready(l); ready || err != nil {
		t.Errorf("other versions: %v, %v", ready, err)
	}
}

// Not parallel: it changes the PATH.
func TestNoPython(t *testing.T) {
	l := pinned(t, "a==1")
	bin := t.TempDir()
	old := "#!/bin/sh\nexit 1\n" // answers the version question with no
	if err := os.WriteFile(filepath.Join(bin, "python3"), []byte(old), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", bin)
	err := Ensure(t.Context(), l, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no Python 3.11 or newer found") {
		t.Errorf("got %v, want what to install", err)
	}
}

func TestRenewRefusesWhatIsNotOurs(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "venv")
	for range 2 { // absent, then our own
		if err := renew(dir); err != nil {
			t.Fatal(err)
		}
	}
	theirs := t.TempDir()
	kept := filepath.Join(theirs, "thesis.txt")
	if err := os.WriteFile(kept, []byte("years"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := renew(theirs); err == nil {
		t.Error("emptied a folder that is not ours")
	}
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
}

// Where uv reaches no index, pip, which has a configuration of its own, is asked.
func TestInstallAsksPipWhereUvFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		uv, python string
		asked      string
		fails      bool
	}{
		"uv":    {uv: "exit 0", python: "exit 1"},
		"pip":   {uv: "exit 1", python: `echo "$@" > asked`, asked: "-m pip --disable-pip-version-check --no-input --python other/bin/python install -r pins.txt --no-deps --no-compile --require-hashes\n"},
		"both":  {uv: "exit 1", python: "exit 1", fails: true},
		"no_uv": {python: `echo "$@" > asked`, asked: "-m pip --disable-pip-version-check --no-input --python other/bin/python install -r pins.txt --no-deps --no-compile --require-hashes\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := pinned(t, "")
			asked := filepath.Join(l.Root, "asked")
			for program, script := range map[string]string{"uv": tc.uv, "python": strings.ReplaceAll(tc.python, "asked", asked)} {
				if script == "" {
					continue
				}
				path := l.Tool(program)
				if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := install(t.Context(), l, "other", "pins.txt", io.Discard); (err != nil) != tc.fails {
				t.Errorf("error %v", err)
			}
			if got, _ := os.ReadFile(asked); string(got) != tc.asked {
				t.Errorf("pip was asked %q, want %q", got, tc.asked)
			}
		})
	}
}
