package runner

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const good = `
version: 0.2
env: {shell: bash, variables: {WHO: spec, OWN: spec}, exported-variables: [WORD]}
phases:
  install: {runtime-versions: {golang: '1'}, commands: ['export FIRST=one']}
  build:
    commands:
      - mkdir -p out/deep && cd out
      - |
        printf '%s %s %s' "$FIRST" "$WHO" "$OWN" > deep/text
        echo "it's done"
      - export WORD="a 'b'"
  post_build: {commands: ['echo succeeding=$CODEBUILD_BUILD_SUCCEEDING'], finally: ['echo at last']}
reports:
  unit: {file-format: JUNITXML, files: ['*.xml'], base-directory: reports}
  cover: {file-format: COBERTURAXML, files: [cover]}
artifacts: {base-directory: out, files: ['**/*']}
`

func reportTexts() map[string]string {
	return map[string]string{
		"reports/a.xml": `<testsuites><testsuite><testcase/><testcase><failure message="x"/></testcase></testsuite><testsuite><testcase><skipped/></testcase></testsuite></testsuites>`,
		"reports/b.xml": `<testsuite><testcase><error/></testcase></testsuite>`,
		"cover":         `<coverage line-rate="0.834"/>`,
	}
}

// newBuild returns a build in a folder with the files of the reports.
func newBuild(t *testing.T, spec string) (build, *bytes.Buffer) {
	t.Helper()
	s, err := parseBuildspec([]byte(spec))
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	home := t.TempDir()
	if err := makeHome(home); err != nil {
		t.Fatal(err)
	}
	b := build{spec: s, dir: t.TempDir(), state: t.TempDir(), log: log, env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + home, "GOCACHE=off", "WHO=action"}}
	for name, text := range reportTexts() {
		path := filepath.Join(b.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return b, log
}

func TestBuild(t *testing.T) {
	t.Parallel()
	b, log := newBuild(t, good)
	r, err := b.run(t.Context())
	if err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	if diff := cmp.Diff(map[string]string{"WORD": "a 'b'"}, r.exported); diff != "" {
		t.Errorf("exported (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"cover: 83% of lines", "unit: 4 tests, 2 failed, 1 skipped"}, r.reports); diff != "" {
		t.Errorf("reports (-want +got):\n%s", diff)
	}
	// The shell's state lasts, and the action goes before the buildspec.
	text, err := fileIn(r.zip, "deep/text")
	if err != nil || string(text) != "one action spec" {
		t.Errorf("got %q, %v", text, err)
	}
	for _, want := range []string{"[build] mkdir", "it's done", "succeeding=1", "at last"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %q:\n%s", want, log)
		}
	}
}

func TestBuildErrorNamesPhaseAndCommand(t *testing.T) {
	t.Parallel()
	const frame = "version: 0.2\nenv: {shell: bash, exported-variables: [X]}\nphases:\n  pre_build: {commands: [%q]}\n  build: {commands: ['true', %q], finally: [echo cleaned]}\n  post_build: {commands: [%q]}\nartifacts: {files: [%q]}\n"
	for name, tc := range map[string]struct {
		pre, build, post, files string
		want, log, not          string
	}{
		"before":        {"false", "true", "true", "cover", "phase pre_build, command 0: false", "[pre_build]", "[build]"},
		"build":         {"true", "exit_code() { return 3; }; exit_code", "echo after=$CODEBUILD_BUILD_SUCCEEDING", "cover", "phase build, command 1: exit_code", "after=0", "nothing"},
		"finally":       {"true", "false", "true", "cover", "phase build, command 1", "cleaned", "nothing"},
		"exit":          {"true", "exit 7", "true", "cover", "phase build, command 1: exit 7", "[build]", "cleaned"},
		"export_unset":  {"true", "true", "true", "cover", "exports X", "[build]", "nothing"},
		"no_artifact":   {"true", "export X=1", "true", "*.yaml", "no file matches the artifacts [*.yaml]", "[build]", "nothing"},
		"unknown_thing": {"true", "gatehouse-no-such-tool", "true", "cover", "gatehouse-no-such-tool", "not found", "nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, log := newBuild(t, fmt.Sprintf(frame, tc.pre, tc.build, tc.post, tc.files))
			_, err := b.run(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if !strings.Contains(log.String(), tc.log) || strings.Contains(log.String(), tc.not) {
				t.Errorf("the log has no %q, or %q:\n%s", tc.log, tc.not, log)
			}
		})
	}
}

func TestBuildReportWithoutFiles(t *testing.T) {
	t.Parallel()
	b, _ := newBuild(t, strings.Replace(good, "[cover]", "[nothing]", 1))
	if _, err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), "the report cover has no file") {
		t.Errorf("got %v", err)
	}
}

// A file that is written to the home folder later could make its deletion fail.
func TestBuildHomeHasNoTelemetry(t *testing.T) {
	t.Parallel()
	b, _ := newBuild(t, good)
	if err := b.checkCompiler(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, e := range b.env {
		home, ok := strings.CutPrefix(e, "HOME=")
		if !ok {
			continue
		}
		entries, err := os.ReadDir(filepath.Join(home, ".config", "go", "telemetry"))
		if err != nil || len(entries) != 1 {
			t.Errorf("telemetry: %v, %v, want only the file mode", entries, err)
		}
	}
}

func TestBuildNeedsCompiler(t *testing.T) {
	t.Parallel()
	b, _ := newBuild(t, strings.Replace(good, "golang: '1'", "golang: '1.2'", 1))
	if _, err := b.run(t.Context()); err == nil || !strings.Contains(err.Error(), "needs Go 1.2") {
		t.Errorf("got %v", err)
	}
}

// A stopped build leaves no process behind.
func TestBuildStop(t *testing.T) {
	t.Parallel()
	b, _ := newBuild(t, "version: 0.2\nenv: {shell: bash}\nphases: {build: {commands: ['touch started; sleep 100 & wait']}}\n")
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		_, err := b.run(ctx)
		done <- err
	}()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for range tick.C {
		if _, err := os.Stat(filepath.Join(b.dir, "started")); err == nil {
			break
		}
	}
	stop()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "stopped in phase build, command 0") {
		t.Errorf("got %v", err)
	}
}

func TestParseBuildspecRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ old, new, want string }{
		"version":  {"version: 0.2", "version: 0.1", `version "0.1"`},
		"shell":    {"shell: bash", "shell: powershell", `shell "powershell"`},
		"secrets":  {"shell: bash,", "shell: bash, secrets-manager: {A: b},", "secrets-manager"},
		"phase":    {"  install:", "  uninstall:", "uninstall"},
		"batch":    {"artifacts:", "batch: {}\nartifacts:", "batch"},
		"cache":    {"artifacts:", "cache: {paths: [/go/**]}\nartifacts:", "cache"},
		"format":   {"COBERTURAXML", "CLOVERXML", "CLOVERXML"},
		"runtime":  {"golang: '1'", "ruby: '3'", "runtime ruby"},
		"artifact": {"artifacts: {", "artifacts: {discard-paths: yes, ", "discard-paths"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseBuildspec([]byte(strings.Replace(good, tc.old, tc.new, 1))); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func FuzzParseBuildspec(f *testing.F) {
	f.Add([]byte(good))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = parseBuildspec(raw) })
}
