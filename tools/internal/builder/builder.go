// Package builder does what the build of a service's pipeline does: it tests the
// service and makes the artifact that the pipeline deploys. `make verify` and `make
// package` do the same on a laptop.
//
// A change of an event that breaks a reader is refused for every service that uses
// the event. Which services do is derived from their code and subscriptions, so
// there is no list to maintain. Equal sources make equal artifacts, so an unchanged
// function is neither uploaded nor deployed.
package builder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// Build is the build of one service.
type Build struct {
	Root    string // of the repository
	Service string // such as signup-guard
	Venv    string // of the Python tools
	Tools   string // folder of the tools in pipeline/tools
	Out     string // output folder; earlier output is deleted
	Log     io.Writer

	// The other fields are those of Package.

	Architecture string // empty: the one in samconfig.toml
	Bucket       string // empty: nothing is uploaded, and there is no packaged template
	KeyARN       string // KMS key of the bucket
	Commit       string // empty: the one of the clone
	Environ      []string
}

// The folders of the reports.
const (
	junitDir    = "junit"
	coverageDir = "coverage"
)

type step struct {
	title string
	do    func(context.Context) error
}

// Verify tests the service and writes reports. It stops at the first failure.
func (b Build) Verify(ctx context.Context) error {
	s, err := stacks.Find(b.Root, b.Service)
	if err != nil {
		return fmt.Errorf("stacks.Find: %w", err)
	}
	if err := b.clear([]string{junitDir, coverageDir}); err != nil {
		return err
	}
	modules, err := s.Modules(b.Root)
	if err != nil {
		return err
	}
	steps := []step{{"compare the events of " + b.Service + " with the last release", func(context.Context) error {
		return b.events(s.Folder)
	}}}
	for _, module := range modules {
		name := strings.ReplaceAll(module, "/", "-")
		if module == s.Folder {
			name = "unit-" + name // only these are in CodeBuild's report, which is limited to 500 cases
		}
		dir := filepath.Join(b.Root, module)
		steps = append(steps,
			step{"vet " + module, func(ctx context.Context) error { return b.command(ctx, dir, nil, "go", "vet", "./...") }},
			step{"unit tests of " + module, func(ctx context.Context) error { return b.test(ctx, dir, name, nil) }},
		)
	}
	steps = append(steps, step{"the rules of the repository, with cfn-lint for the templates of " + s.Name, func(ctx context.Context) error {
		return b.rules(ctx, len(modules) == 0)
	}})
	for i, step := range steps {
		b.print("[%d/%d] %s", i+1, len(steps), step.title)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w; the reports are in %s", step.title, err, b.Out)
		}
	}
	return b.list()
}

// events checks the events of this service only. The test in contracts/ that checks
// all events is skipped below, so that a service does not wait for another one.
func (b Build) events(folder string) error {
	broken, err := checkEvents(b.Root, folder)
	if err != nil {
		return err
	}
	for _, change := range broken {
		b.print("%s", change)
	}
	if len(broken) > 0 {
		return fmt.Errorf("%d changes would break readers of events of %s", len(broken), b.Service)
	}
	return nil
}

// clear deletes the output of earlier builds and makes the folders.
func (b Build) clear(folders []string, files ...string) error {
	for _, name := range slices.Concat(folders, files) {
		if err := os.RemoveAll(filepath.Join(b.Out, name)); err != nil {
			return fmt.Errorf("os.RemoveAll: %w", err)
		}
	}
	for _, name := range folders {
		if err := os.MkdirAll(filepath.Join(b.Out, name), 0o750); err != nil {
			return fmt.Errorf("os.MkdirAll: %w", err)
		}
	}
	return nil
}

// test runs the tests of a module and writes two reports, also when tests fail.
func (b Build) test(ctx context.Context, dir, name string, env []string) error {
	profile := filepath.Join(b.Out, coverageDir, name+".out")
	tests := b.gotestsum(ctx, dir, name, env, "-count=1", "-shuffle=on", "-coverprofile="+profile,
		"-skip=^TestNothingBreaksSinceTheLastRelease$", "./...")
	return errors.Join(tests, b.cobertura(ctx, dir, profile, filepath.Join(b.Out, coverageDir, name+".xml")))
}

// cobertura converts Go's coverage profile to a format that CodeBuild reads, and
// deletes it.
func (b Build) cobertura(ctx context.Context, dir, profile, report string) error {
	in, err := os.Open(profile)
	if err != nil {
		return fmt.Errorf("os.Open: %w", err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(report)
	if err != nil {
		return fmt.Errorf("os.Create: %w", err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(b.Tools, "gocover-cobertura"))
	cmd.Dir, cmd.Env = dir, b.env(nil)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, b.Log
	if err := errors.Join(cmd.Run(), out.Close()); err != nil {
		return fmt.Errorf("gocover-cobertura: %w", err)
	}
	return os.Remove(profile)
}

// rules runs all rules, because many of them compare services. Only cfn-lint, which
// is the slowest, is limited to the templates of this service. For a stack without
// Go code the rules are the unit tests, so that its reports are not empty.
func (b Build) rules(ctx context.Context, only bool) error {
	dir := filepath.Join(b.Root, "rules")
	env := []string{"GATEHOUSE_VENV=" + b.Venv, "GATEHOUSE_SERVICE=" + b.Service}
	if only {
		return b.test(ctx, dir, "unit-rules", env)
	}
	return b.gotestsum(ctx, dir, "rules", env, "-count=1", "./...")
}

func (b Build) gotestsum(ctx context.Context, dir, name string, env []string, args ...string) error {
	args = append([]string{"--format=pkgname", "--hide-summary=skipped", "--junitfile=" + filepath.Join(b.Out, junitDir, name+".xml"), "--"}, args...)
	return b.command(ctx, dir, env, filepath.Join(b.Tools, "gotestsum"), args...)
}

func (b Build) command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, b.env(env)
	cmd.Stdout, cmd.Stderr = b.Log, b.Log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s in %s: %w", filepath.Base(name), args[0], dir, err)
	}
	return nil
}

// env excludes the AWS and Go settings of the shell, and the workspace: a service is
// tested with its own go.mod, as it is built.
func (b Build) env(more []string) []string {
	return append(append(sam.CleanEnv(os.Environ()), "GOWORK=off", "CGO_ENABLED=0"), more...)
}

func (b Build) list() error {
	for _, dir := range []string{junitDir, coverageDir} {
		files, err := filepath.Glob(filepath.Join(b.Out, dir, "*.xml"))
		if err != nil {
			return fmt.Errorf("filepath.Glob: %w", err)
		}
		for _, file := range files {
			b.print("report %s", b.short(file))
		}
	}
	return nil
}
