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
	"strings"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// Verify is one verification.
type Verify struct {
	Root    string // of the repository
	Service string // such as signup-guard
	Venv    string // of the Python tools, for the rules
	Tools   string // folder of gotestsum and gocover-cobertura
	Reports string // output folder, which is cleared first
	Out     io.Writer
}

// step is one step of a verification. Its title is printed.
type step struct {
	title string
	do    func(context.Context) error
}

// Run runs all steps and lists the reports.
func (v Verify) Run(ctx context.Context) error {
	s, err := stacks.Find(v.Root, v.Service)
	if err != nil {
		return fmt.Errorf("stacks.Find: %w", err)
	}
	if err := v.clear(); err != nil {
		return err
	}
	modules, err := s.Modules(v.Root)
	if err != nil {
		return err
	}
	steps := []step{{"compare the events of " + v.Service + " with the last release", func(context.Context) error {
		return v.events(s.Folder)
	}}}
	for _, module := range modules {
		name := strings.ReplaceAll(module, "/", "-")
		if module == s.Folder {
			name = "unit-" + name // only these are in CodeBuild's report, which is limited to 500 cases
		}
		dir := filepath.Join(v.Root, module)
		steps = append(steps,
			step{"vet " + module, func(ctx context.Context) error { return v.command(ctx, dir, nil, "go", "vet", "./...") }},
			step{"unit tests of " + module, func(ctx context.Context) error { return v.test(ctx, dir, name, nil) }},
		)
	}
	steps = append(steps,
		step{"the rules of the repository, with cfn-lint for the templates of " + s.Name, func(ctx context.Context) error {
			return v.rules(ctx, len(modules) == 0)
		}},
	)
	for i, step := range steps {
		_, _ = fmt.Fprintf(v.Out, "[%d/%d] %s\n", i+1, len(steps), step.title)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w; the reports are in %s", step.title, err, v.Reports)
		}
	}
	return v.list()
}

// events checks the events of this service only. The test in contracts/ that checks
// all events is skipped below, so that a service does not wait for another one.
func (v Verify) events(folder string) error {
	broken, err := checkEvents(v.Root, folder)
	if err != nil {
		return err
	}
	for _, b := range broken {
		_, _ = fmt.Fprintln(v.Out, b)
	}
	if len(broken) > 0 {
		return fmt.Errorf("%d changes would break readers of events of %s", len(broken), v.Service)
	}
	return nil
}

// clear removes the reports of earlier runs.
func (v Verify) clear() error {
	for _, dir := range []string{v.junit(), v.coverage()} {
		if err := os.RemoveAll(dir); err != nil {
			return fmt.Errorf("os.RemoveAll: %w", err)
		}
		if err := os.MkdirAll(dir, 0o750); err != nil {
			return fmt.Errorf("os.MkdirAll: %w", err)
		}
	}
	return nil
}

func (v Verify) junit() string    { return filepath.Join(v.Reports, "junit") }
func (v Verify) coverage() string { return filepath.Join(v.Reports, "coverage") }

// test runs the tests of a module and writes two reports, also when tests fail.
func (v Verify) test(ctx context.Context, dir, name string, env []string) error {
	profile := filepath.Join(v.coverage(), name+".out")
	tests := v.gotestsum(ctx, dir, name, env, "-count=1", "-shuffle=on", "-coverprofile="+profile,
		"-skip=^TestNothingBreaksSinceTheLastRelease$", "./...")
	if _, err := os.Stat(profile); err != nil {
		return errors.Join(tests, err)
	}
	if err := v.cobertura(ctx, dir, profile, filepath.Join(v.coverage(), name+".xml")); err != nil {
		return errors.Join(tests, err)
	}
	return errors.Join(tests, os.Remove(profile))
}

// cobertura converts Go's coverage profile to a format that CodeBuild reads.
func (v Verify) cobertura(ctx context.Context, dir, profile, report string) error {
	in, err := os.Open(profile)
	if err != nil {
		return fmt.Errorf("os.Open: %w", err)
	}
	defer func() { _ = in.Close() }()
	out, err := os.Create(report)
	if err != nil {
		return fmt.Errorf("os.Create: %w", err)
	}
	cmd := exec.CommandContext(ctx, filepath.Join(v.Tools, "gocover-cobertura"))
	cmd.Dir, cmd.Env = dir, v.env(nil)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, v.Out
	if err := errors.Join(cmd.Run(), out.Close()); err != nil {
		return fmt.Errorf("gocover-cobertura: %w", err)
	}
	return nil
}

// rules runs all rules, because many of them compare services. Only cfn-lint, which
// is the slowest, is limited to the templates of this service. For a stack without
// Go code the rules are the unit tests, so that its reports are not empty.
func (v Verify) rules(ctx context.Context, only bool) error {
	dir := filepath.Join(v.Root, "rules")
	env := []string{"GATEHOUSE_VENV=" + v.Venv, "GATEHOUSE_SERVICE=" + v.Service}
	if only {
		return v.test(ctx, dir, "unit-rules", env)
	}
	return v.gotestsum(ctx, dir, "rules", env, "-count=1", "./...")
}

func (v Verify) gotestsum(ctx context.Context, dir, name string, env []string, args ...string) error {
	args = append([]string{"--format=pkgname", "--hide-summary=skipped", "--junitfile=" + filepath.Join(v.junit(), name+".xml"), "--"}, args...)
	return v.command(ctx, dir, env, filepath.Join(v.Tools, "gotestsum"), args...)
}

func (v Verify) command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, v.env(env)
	cmd.Stdout, cmd.Stderr = v.Out, v.Out
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s in %s: %w", filepath.Base(name), args[0], dir, err)
	}
	return nil
}

// env excludes the AWS and Go settings of the shell, and the workspace: a service is
// tested with its own go.mod, as it is built.
func (v Verify) env(more []string) []string {
	return append(append(sam.CleanEnv(os.Environ()), "GOWORK=off", "CGO_ENABLED=0"), more...)
}

// list prints the reports.
func (v Verify) list() error {
	for _, dir := range []string{v.junit(), v.coverage()} {
		files, err := filepath.Glob(filepath.Join(dir, "*.xml"))
		if err != nil {
			return fmt.Errorf("filepath.Glob: %w", err)
		}
		for _, file := range files {
			if rel, err := filepath.Rel(v.Root, file); err == nil && filepath.IsLocal(rel) {
				file = rel
			}
			_, _ = fmt.Fprintln(v.Out, "report", file)
		}
	}
	return nil
}
