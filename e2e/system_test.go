package e2e

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gatehouse.example/tools/actors"
)

// system is the local system under test.
type system struct {
	root string // of the repository
	port int    // of the proxy
	dir  string // of the local system
	env  actors.Env
}

// defaultPort is the proxy's. E2E_PORT sets another, for two runs side by side.
const defaultPort = 4866

// TestMain deploys a system, runs the tests on it, compares what roles may do with
// what they did in all of them, and stops it.
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
	if err := s.local("up", "--https"); err != nil {
		return 1, err
	}
	// Tests wait for a lock or a slot when they have begun: see schedule_test.go. More than
	// there are tests and subtests: one that waits would keep a subtest of the holder from running.
	flag.Parse()
	if err := flag.Set("test.parallel", "1000"); err != nil {
		return 1, fmt.Errorf("flag.Set: %w", err)
	}
	code := m.Run()
	if code != 0 {
		s.complaints(os.Stderr)
	}
	if code != 0 || !wholeRun() {
		return code, nil
	}
	return code, checkPermissions(context.Background(), s)
}

// complaints writes the last warnings and errors of each program of the system: a machine
// that is gone after the tests leaves nothing else to look at.
func (s *system) complaints(w io.Writer) {
	const most = 4
	paths, _ := filepath.Glob(filepath.Join(s.dir, "log", "*.log")) // the pattern is well-formed
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		var found []string
		for line := range strings.Lines(string(text)) {
			if complaint.MatchString(line) {
				found = append(found, line)
			}
		}
		for _, line := range found[max(0, len(found)-most):] {
			_, _ = fmt.Fprintf(w, "%s: %s\n", filepath.Base(path), strings.TrimSpace(line[:min(len(line), 500)]))
		}
	}
}

// complaint matches the levels of log/slog in both of its formats, and what Lambda says of
// a function that ended.
var complaint = regexp.MustCompile(`level"?[=:]"?(WARN|ERROR)|Task timed out|Runtime exited|panic:`)

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
		"local", command, "--dir", s.dir, "--port", strconv.Itoa(s.port),
		"--venv", filepath.Join(s.root, ".local", "venv"),
	}, args...)...)
	cmd.Dir = s.root
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("gatehouse local %s: %w", command, err)
	}
	return nil
}

// located reads the system's env file, which is all that a client gets.
func located(t *testing.T) *system {
	t.Helper()
	s := must(locate())(t)
	s.env = must(actors.ReadEnv(s.envFile()))(t)
	return s
}

func (s *system) envFile() string { return filepath.Join(s.dir, "env") }

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

// parameter is an SSM parameter of the environment.
func (s *system) parameter(t *testing.T, service, resource string) string {
	t.Helper()
	return must(actors.Parameter(t.Context(), s.env.Config(), "local", service, resource))(t)
}

// run starts a program with nothing but the env file and returns what it printed. The
// error has the end of it.
func (s *system) run(t *testing.T, name string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = s.root
	cmd.Env = s.environ()
	if path := filepath.Join(s.root, ".local", "venv", "bin", name); fileExists(path) {
		cmd.Path = path
		cmd.Err = nil
	}
	running <- struct{}{}
	defer func() { <-running }()
	return combined(cmd)
}

// combined is what a program prints. An error has the end of it: all the outputs of a test
// would hide why it failed.
func combined(cmd *exec.Cmd) (string, error) {
	out, err := cmd.CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(out)), "\n")
		err = fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, strings.Join(lines[max(0, len(lines)-20):], "\n"))
	}
	return string(out), err
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
