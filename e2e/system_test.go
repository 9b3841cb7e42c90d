package e2e

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// system is the local system under test.
type system struct {
	root string            // of the repository
	port int               // of the edge; the emulator has the next one
	dir  string            // of the local system
	env  map[string]string // of .local/test/env
}

// defaultPort is the edge's. E2E_PORT sets another, for two runs side by side.
const defaultPort = 4866

// TestMain deploys a system, runs the tests against it, compares what roles may do
// with what they did in all of them, and stops it.
func TestMain(m *testing.M) {
	code, err := realMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func realMain(m *testing.M) (int, error) {
	s, err := locate()
	if err != nil {
		return 1, err
	}
	reuse := os.Getenv("E2E_REUSE") != ""
	if !reuse {
		if err := s.local("down"); err != nil {
			return 1, err
		}
		if err := os.RemoveAll(s.dir); err != nil {
			return 1, fmt.Errorf("os.RemoveAll: %w", err)
		}
		defer func() { _ = s.local("down") }()
	}
	if err := s.local("up"); err != nil {
		return 1, err
	}
	code := m.Run()
	if code != 0 || !wholeRun() {
		return code, nil
	}
	return code, checkPermissions(context.Background(), s)
}

func locate() (*system, error) {
	root, err := filepath.Abs("..")
	if err != nil {
		return nil, fmt.Errorf("filepath.Abs: %w", err)
	}
	port := defaultPort
	if given := os.Getenv("E2E_PORT"); given != "" {
		if port, err = strconv.Atoi(given); err != nil {
			return nil, fmt.Errorf("E2E_PORT: %w", err)
		}
	}
	return &system{root: root, port: port, dir: filepath.Join(root, ".local", "test")}, nil
}

// local runs one `gatehouse local` command on the system under test.
func (s *system) local(command string, args ...string) error {
	cmd := exec.Command(filepath.Join(s.root, "bin", "gatehouse"), append([]string{
		"local", command, "--dir", s.dir, "--port", strconv.Itoa(s.port), "--emulator-port", strconv.Itoa(s.port + 1),
		"--venv", filepath.Join(s.root, ".local", "venv"),
	}, args...)...)
	cmd.Dir = s.root
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("gatehouse local %s: %w", command, err)
	}
	return nil
}

// start reads the system's env file, all that a client is given.
func start(t *testing.T) *system {
	t.Helper()
	s, err := locate()
	if err != nil {
		t.Fatal(err)
	}
	if s.env, err = s.readEnv(); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *system) readEnv() (map[string]string, error) {
	file, err := os.Open(filepath.Join(s.dir, "env"))
	if err != nil {
		return nil, fmt.Errorf("os.Open: %w", err)
	}
	defer file.Close()
	env := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, ok := strings.Cut(strings.TrimPrefix(lines.Text(), "export "), "=")
		if ok {
			env[name] = strings.Trim(value, `'"`)
		}
	}
	return env, nil
}

// environ is the process environment of a client: the env file and a PATH.
func (s *system) environ() []string {
	env := []string{
		"PATH=" + filepath.Join(s.root, ".local", "venv", "bin") + ":" + os.Getenv("PATH"),
		"HOME=" + s.dir,
	}
	for name, value := range s.env {
		env = append(env, name+"="+value)
	}
	return env
}

// run starts a program with nothing but the env file and returns what it printed.
func (s *system) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = s.root
	cmd.Env = s.environ()
	if path := filepath.Join(s.root, ".local", "venv", "bin", name); fileExists(path) {
		cmd.Path = path
		cmd.Err = nil
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
