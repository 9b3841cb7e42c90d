package build

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/bmatcuk/doublestar/v4"

	"gatehouse.example/tools/internal/runner/artifact"
)

// lastWords is how long a build that was told to end may take.
const lastWords = 5 * time.Second

// Job is one build.
type Job struct {
	Spec Spec
	// Dir holds the sources and is the build's alone; State is for scripts and answers.
	Dir, State string
	// Env is the whole environment but for the buildspec's own variables.
	Env []string
	Log io.Writer
}

// Result is what a build leaves.
type Result struct {
	Exported map[string]string
	// Zip holds the artifact, if the buildspec declares one.
	Zip     []byte
	Reports []string
}

// Run runs the phases. A failed build has its reports, too.
func (j Job) Run(ctx context.Context) (Result, error) {
	if err := j.compiler(ctx); err != nil {
		return Result{}, err
	}
	path, err := j.script()
	if err != nil {
		return Result{}, err
	}
	cmd := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", path)
	cmd.Dir, cmd.Env = j.Dir, j.environment()
	cmd.Stdout, cmd.Stderr = j.Log, j.Log
	// All that the build started ends with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = lastWords
	runErr := cmd.Run()
	var r Result
	var reportErr error
	r.Reports, reportErr = j.reports()
	if runErr != nil {
		if ctx.Err() != nil {
			return r, fmt.Errorf("stopped in %s: %w", j.culprit(), context.Cause(ctx))
		}
		return r, fmt.Errorf("%s: %w", j.culprit(), runErr)
	}
	var exportErr, zipErr error
	r.Exported, exportErr = j.exports()
	if len(j.Spec.Artifacts.Files) > 0 {
		r.Zip, zipErr = j.artifact()
	}
	return r, errors.Join(reportErr, exportErr, zipErr)
}

// environment adds what the buildspec sets; the project and the action go first.
func (j Job) environment() []string {
	env := slices.Clone(j.Env)
	for name, value := range j.Spec.Env.Variables {
		if !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
			env = append(env, name+"="+value)
		}
	}
	return append(env, "CODEBUILD_SRC_DIR="+j.Dir)
}

// compiler holds the buildspec's runtime version against this machine's, which
// has one and no choice.
func (j Job) compiler(ctx context.Context) error {
	want := j.Spec.Go()
	if want == "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	cmd.Dir, cmd.Env = j.Dir, j.environment()
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	if got := strings.TrimPrefix(strings.TrimSpace(string(out)), "go"); got != want && !strings.HasPrefix(got, want+".") {
		return fmt.Errorf("the buildspec wants Go %s, and here is %s", want, got)
	}
	return nil
}

func (j Job) exports() (map[string]string, error) {
	out := map[string]string{}
	for _, name := range j.Spec.Env.Exported {
		if !regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`).MatchString(name) || strings.HasPrefix(name, "AWS_") {
			return nil, fmt.Errorf("%s cannot be exported", name)
		}
		value, err := os.ReadFile(j.exported(name))
		if err != nil {
			return nil, fmt.Errorf("the buildspec exports %s, and no command has set it", name)
		}
		out[name] = string(value)
	}
	return out, nil
}

func (j Job) artifact() ([]byte, error) {
	files, err := j.Spec.Artifacts.find(j.Dir)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no file matches the artifacts %v in %q", j.Spec.Artifacts.Files, j.Spec.Artifacts.Base)
	}
	zip, err := artifact.Pack(filepath.Join(j.Dir, j.Spec.Artifacts.Base), files)
	if err != nil {
		return nil, fmt.Errorf("artifact.Pack: %w", err)
	}
	return zip, nil
}

// find lists what matches, relative to the base folder.
func (f Files) find(dir string) ([]string, error) {
	var found []string
	for _, pattern := range f.Files {
		more, err := doublestar.Glob(os.DirFS(filepath.Join(dir, f.Base)), pattern, doublestar.WithFilesOnly())
		if err != nil {
			return nil, fmt.Errorf("doublestar.Glob %s: %w", pattern, err)
		}
		found = append(found, more...)
	}
	slices.Sort(found)
	return slices.Compact(found), nil
}
