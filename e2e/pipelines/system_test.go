package pipelines

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// defaultPort is the proxy's. E2E_PIPELINES_PORT sets another.
const defaultPort = 4966

// system is the local system under test.
type system struct {
	root, dir string
	port      int
}

// TestMain starts a system, deploys pipelines and environments, runs the tests and stops it.
func TestMain(m *testing.M) {
	code, err := realMain(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e/pipelines:", err)
		code = 1
	}
	os.Exit(code)
}

func realMain(m *testing.M) (code int, err error) {
	s, err := locate()
	if err != nil {
		return 1, err
	}
	if os.Getenv("E2E_REUSE") == "" {
		if err := s.tool(os.Stderr, s.local("down")...); err != nil {
			return 1, err
		}
		if err := os.RemoveAll(s.dir); err != nil {
			return 1, fmt.Errorf("os.RemoveAll: %w", err)
		}
		defer func() { err = errors.Join(err, s.tool(os.Stderr, s.local("down")...)) }()
	}
	if err := s.tool(os.Stderr, append(s.local("up"), "--empty")...); err != nil {
		return 1, err
	}
	if err := s.tool(os.Stderr, s.pipeline("up")...); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

func locate() (*system, error) {
	root, err := filepath.Abs("../..")
	if err != nil {
		return nil, fmt.Errorf("filepath.Abs: %w", err)
	}
	s := &system{root: root, dir: filepath.Join(root, ".local", "test-pipelines"), port: defaultPort}
	if given := os.Getenv("E2E_PIPELINES_PORT"); given != "" {
		if s.port, err = strconv.Atoi(given); err != nil {
			return nil, fmt.Errorf("E2E_PIPELINES_PORT: %w", err)
		}
	}
	return s, nil
}

// local and pipeline return arguments of the tool.
func (s *system) local(command string) []string {
	return []string{"local", command, "--dir", s.dir, "--venv", s.venv(), "--port", strconv.Itoa(s.port)}
}

func (s *system) pipeline(args ...string) []string {
	return append([]string{"pipeline", "--dir", s.dir, "--venv", s.venv()}, args...)
}

func (s *system) venv() string { return filepath.Join(s.root, ".local", "venv") }

func (s *system) tool(out io.Writer, args ...string) error {
	cmd := exec.Command(filepath.Join(s.root, "bin", "gatehouse"), args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.root, out, out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("gatehouse %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// start returns the system for a test.
func start(t *testing.T) *system {
	t.Helper()
	s, err := locate()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// run executes a pipeline and returns the output.
func (s *system) run(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := s.tool(&out, s.pipeline(append([]string{"run"}, args...)...)...)
	t.Logf("gatehouse pipeline run %s\n%s", strings.Join(args, " "), out.String())
	return out.String(), err
}

// succeeds and fails run a pipeline. fails checks that the output has the words.
func (s *system) succeeds(t *testing.T, args ...string) string {
	t.Helper()
	output, err := s.run(t, args...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

func (s *system) fails(t *testing.T, words []string, args ...string) string {
	t.Helper()
	output, err := s.run(t, args...)
	if err == nil {
		t.Fatal("the pipeline succeeded")
	}
	for _, want := range words {
		if !strings.Contains(output, want) {
			t.Errorf("the output lacks %q", want)
		}
	}
	return output
}

// config has root credentials of the account.
func (s *system) config() aws.Config {
	return aws.Config{
		Region: "us-east-1", BaseEndpoint: aws.String("http://127.0.0.1:" + strconv.Itoa(s.port)),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""), HTTPClient: &http.Client{},
	}
}

// must ends the test if a call fails.
func must[T any](v T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
