// Package pythontools installs the emulator, the SAM CLI, the aws CLI and cfn-lint
// into a virtualenv, in the versions that requirements.txt pins by hash. It starts
// each in a process group of its own, so that stopping one leaves no orphan.
package pythontools

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/stacks"
)

// stamp is written last: a half-installed virtualenv has none.
const stamp = ".gatehouse-requirements"

// Ready reports whether the pinned tools are installed.
func Ready(w stacks.Workspace) (bool, error) {
	want, err := fingerprint(w)
	if err != nil {
		return false, err
	}
	have, err := os.ReadFile(filepath.Join(w.Venv, stamp))
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("os.ReadFile: %w", err)
	}
	return string(have) == want, nil
}

// mark is a file in virtualenvs that Gatehouse created and may replace.
const mark = ".gatehouse"

// renew makes an empty folder. It does not delete a folder without the mark.
func renew(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("os.ReadDir: %w", err)
	}
	_, err = os.Stat(filepath.Join(dir, mark))
	if len(entries) > 0 && err != nil {
		return fmt.Errorf("%s is not a virtualenv of Gatehouse; use another folder, or delete it yourself", dir)
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("os.RemoveAll: %w", err)
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, mark), nil, 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	return nil
}

// Ensure installs the tools if they are not installed. A lock protects a virtualenv
// that is shared. The output of pip and uv goes to log.
func Ensure(ctx context.Context, w stacks.Workspace, log io.Writer) error {
	if ready, err := Ready(w); ready || err != nil {
		return err
	}
	unlock, err := files.Lock(ctx, w.Venv+".lock")
	if err != nil {
		return fmt.Errorf("files.Lock: %w", err)
	}
	defer unlock()
	if ready, err := Ready(w); ready || err != nil {
		return err
	}
	python, err := findPython(ctx)
	if err != nil {
		return err
	}
	if err := renew(w.Venv); err != nil {
		return err
	}
	if err := run(ctx, log, python, "-m", "venv", w.Venv); err != nil {
		return fmt.Errorf("%w (on Debian and Ubuntu the package python3-venv is needed)", err)
	}
	if err := run(ctx, log, w.Tool("python"), pip("install", "-r", filepath.Join(w.Root, "tools", "uv.txt"))...); err != nil {
		return err
	}
	if err := install(ctx, w, w.Venv, w.Requirements(), log); err != nil {
		return err
	}
	want, err := fingerprint(w)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.Venv, stamp), []byte(want), 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	return nil
}

// Another makes a virtualenv next to the workspace's, with what another file pins.
func Another(ctx context.Context, w stacks.Workspace, venv, requirements string, log io.Writer) error {
	if err := run(ctx, log, w.Tool("python"), "-m", "venv", "--clear", "--without-pip", venv); err != nil {
		return err
	}
	return install(ctx, w, venv, requirements, log)
}

// install installs what a file pins into a virtualenv. uv needs a tenth of pip's time. It
// does not read pip's configuration, so pip is asked where uv has no index.
func install(ctx context.Context, w stacks.Workspace, venv, requirements string, log io.Writer) error {
	python := filepath.Join(venv, "bin", "python")
	if run(ctx, log, w.Tool("uv"), "pip", "install", "--quiet", "--python", python, "--no-deps", "--require-hashes", "-r", requirements) == nil {
		return nil
	}
	return run(ctx, log, w.Tool("python"), pip("--python", python, "install", "-r", requirements)...)
}

// pip are its arguments. The files list every dependency, and compiling all modules would
// cost more than the few that are imported.
func pip(args ...string) []string {
	return append(append([]string{"-m", "pip", "--disable-pip-version-check", "--no-input"}, args...), "--no-deps", "--no-compile", "--require-hashes")
}

func fingerprint(w stacks.Workspace) (string, error) {
	raw, err := os.ReadFile(w.Requirements())
	if err != nil {
		return "", fmt.Errorf("os.ReadFile: %w", err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:]), nil
}

func findPython(ctx context.Context) (string, error) {
	for _, name := range []string{"python3.11", "python3.12", "python3.13", "python3.14", "python3"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		cmd := exec.CommandContext(ctx, path, "-c", "import sys, venv; sys.exit(sys.version_info < (3, 11))")
		if cmd.Run() == nil {
			return path, nil
		}
	}
	return "", errors.New("no Python 3.11 or newer found; install one with its venv module (python3.11 to python3.14, or python3, on the PATH)")
}

func run(ctx context.Context, log io.Writer, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = io.MultiWriter(log, &output), io.MultiWriter(log, &output)
	// A PYTHONPATH of the shell would add its packages.
	cmd.Env = slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "PYTHON") })
	if err := cmd.Run(); err != nil {
		lines := strings.Split(strings.TrimSpace(output.String()), "\n")
		return fmt.Errorf("%s %s: %w: %s", filepath.Base(name), strings.Join(args[:2], " "), err, lines[len(lines)-1])
	}
	return nil
}
