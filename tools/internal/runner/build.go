package runner

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/bmatcuk/doublestar/v4"
)

// stopTimeout is how long a build may take to end after SIGTERM.
const stopTimeout = 5 * time.Second

// build runs a buildspec as CodeBuild does: in a clean copy of the sources and in
// one shell, without the environment of the person who starts it.
type build struct {
	spec buildspec
	// dir holds the sources. state holds scripts and results.
	dir, state string
	// env is the whole environment without the variables of the buildspec.
	env []string
	log io.Writer
}

// buildResult is the result of a build.
type buildResult struct {
	exported map[string]string
	// zip holds the artifact, if the buildspec declares one.
	zip     []byte
	reports []string
}

// run runs the phases. A failed build also has reports.
func (b build) run(ctx context.Context) (buildResult, error) {
	if err := b.checkCompiler(ctx); err != nil {
		return buildResult{}, err
	}
	path, err := b.script()
	if err != nil {
		return buildResult{}, err
	}
	cmd := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", path)
	cmd.Dir, cmd.Env = b.dir, b.environment()
	cmd.Stdout, cmd.Stderr = b.log, b.log
	// Stop every process of the build with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM) }
	cmd.WaitDelay = stopTimeout
	runErr := cmd.Run()
	var r buildResult
	var reportErr error
	r.reports, reportErr = b.reports()
	if runErr != nil {
		if ctx.Err() != nil {
			return r, fmt.Errorf("stopped in %s: %w", b.failedCommand(), context.Cause(ctx))
		}
		return r, fmt.Errorf("%s: %w", b.failedCommand(), runErr)
	}
	var exportErr, zipErr error
	r.exported, exportErr = b.exports()
	if len(b.spec.Artifacts.Files) > 0 {
		r.zip, zipErr = b.artifact()
	}
	return r, errors.Join(reportErr, exportErr, zipErr)
}

// environment adds the variables of the buildspec. Those of the project and of the
// action take precedence.
func (b build) environment() []string {
	env := slices.Clone(b.env)
	for name, value := range b.spec.Env.Variables {
		if !slices.ContainsFunc(env, func(e string) bool { return strings.HasPrefix(e, name+"=") }) {
			env = append(env, name+"="+value)
		}
	}
	return append(env, "CODEBUILD_SRC_DIR="+b.dir)
}

// checkCompiler checks that this machine has the Go version of the buildspec.
func (b build) checkCompiler(ctx context.Context) error {
	want := b.spec.goVersion()
	if want == "" {
		return nil
	}
	cmd := exec.CommandContext(ctx, "go", "env", "GOVERSION")
	cmd.Dir, cmd.Env = b.dir, b.environment()
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("go env: %w", err)
	}
	if got := strings.TrimPrefix(strings.TrimSpace(string(out)), "go"); got != want && !strings.HasPrefix(got, want+".") {
		return fmt.Errorf("the buildspec needs Go %s, and this machine has %s", want, got)
	}
	return nil
}

// exportedName is a valid name of an exported variable.
var exportedName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func (b build) exports() (map[string]string, error) {
	out := map[string]string{}
	for _, name := range b.spec.Env.Exported {
		if !exportedName.MatchString(name) || strings.HasPrefix(name, "AWS_") {
			return nil, fmt.Errorf("%s cannot be exported", name)
		}
		value, err := os.ReadFile(b.exported(name))
		if err != nil {
			return nil, fmt.Errorf("the buildspec exports %s, but no command sets it", name)
		}
		out[name] = string(value)
	}
	return out, nil
}

func (b build) artifact() ([]byte, error) {
	files, err := b.spec.Artifacts.find(b.dir)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no file matches the artifacts %v in %q", b.spec.Artifacts.Files, b.spec.Artifacts.Base)
	}
	return pack(filepath.Join(b.dir, b.spec.Artifacts.Base), files)
}

// find returns the files that match, relative to the base folder.
func (f fileSet) find(dir string) ([]string, error) {
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

// makeHome makes the home folder of a build and turns off Go's telemetry in it
// (https://go.dev/doc/telemetry, "mode"): the process that collects telemetry
// outlives the build and would write to the folder while it is deleted.
func makeHome(dir string) error {
	at := filepath.Join(dir, ".config", "go", "telemetry")
	if err := os.MkdirAll(at, 0o700); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	return writeText(filepath.Join(at, "mode"), "off")
}

func (b build) reports() ([]string, error) {
	var summaries []string
	for _, name := range slices.Sorted(maps.Keys(b.spec.Reports)) {
		r := b.spec.Reports[name]
		files, err := r.Set.find(b.dir)
		if err != nil {
			return summaries, err
		}
		if len(files) == 0 {
			return summaries, fmt.Errorf("the report %s has no file: no file matches %v in %q", name, r.Set.Files, r.Set.Base)
		}
		text, err := r.read(filepath.Join(b.dir, r.Set.Base), files)
		if err != nil {
			return summaries, fmt.Errorf("report %s: %w", name, err)
		}
		summaries = append(summaries, name+": "+text)
	}
	return summaries, nil
}

func (r reportFiles) read(dir string, files []string) (string, error) {
	var all report
	var rates []string
	for _, file := range files {
		raw, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			return "", fmt.Errorf("os.ReadFile: %w", err)
		}
		var one report
		if err := xml.Unmarshal(raw, &one); err != nil {
			return "", fmt.Errorf("%s: xml.Unmarshal: %w", file, err)
		}
		all.Suites = append(all.Suites, one)
		rates = append(rates, fmt.Sprintf("%.0f%% of lines", 100*one.LineRate))
	}
	if r.Format == cobertura {
		return strings.Join(rates, ", "), nil
	}
	tests, failed, skipped := all.count()
	text := fmt.Sprintf("%d tests", tests)
	if failed > 0 {
		text += fmt.Sprintf(", %d failed", failed)
	}
	if skipped > 0 {
		text += fmt.Sprintf(", %d skipped", skipped)
	}
	return text, nil
}

// report is the root of a Cobertura file, or a testsuites or testsuite element of a
// JUnit file. Both of these may contain testsuite elements.
type report struct {
	LineRate float64  `xml:"line-rate,attr"`
	Suites   []report `xml:"testsuite"`
	Cases    []struct {
		Failure *struct{} `xml:"failure"`
		Error   *struct{} `xml:"error"`
		Skipped *struct{} `xml:"skipped"`
	} `xml:"testcase"`
}

func (r report) count() (all, failed, skipped int) {
	for _, c := range r.Cases {
		all++
		switch {
		case c.Failure != nil || c.Error != nil:
			failed++
		case c.Skipped != nil:
			skipped++
		}
	}
	for _, inner := range r.Suites {
		a, f, sk := inner.count()
		all, failed, skipped = all+a, failed+f, skipped+sk
	}
	return all, failed, skipped
}
