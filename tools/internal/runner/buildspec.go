package runner

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// buildspec is a buildspec with the supported settings.
type buildspec struct {
	Version string
	Env     struct {
		Shell     string
		Variables map[string]string
		Exported  []string `yaml:"exported-variables"`
	}
	Phases struct {
		Install   phase
		PreBuild  phase `yaml:"pre_build"`
		Build     phase
		PostBuild phase `yaml:"post_build"`
	}
	Reports   map[string]reportFiles
	Artifacts fileSet
}

// phase is a list of commands. The commands under finally always run. The runtimes are
// golang, which is checked, and python, which a virtualenv of this machine replaces.
type phase struct {
	Runtimes map[string]string `yaml:"runtime-versions"`
	Commands []string
	Finally  []string
}

type fileSet struct {
	Files []string
	Base  string `yaml:"base-directory"`
}

type reportFiles struct {
	Set    fileSet `yaml:",inline"`
	Format string  `yaml:"file-format"`
}

// The supported report formats.
const (
	junit     = "JUNITXML"
	cobertura = "COBERTURAXML"
)

// parseBuildspec reads a buildspec and refuses unsupported settings.
func parseBuildspec(raw []byte) (buildspec, error) {
	var s buildspec
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&s); err != nil {
		return buildspec{}, fmt.Errorf("the buildspec has an unsupported setting: %w", err)
	}
	if s.Version != "0.2" {
		return buildspec{}, fmt.Errorf("the buildspec's version %q is not supported; use 0.2", s.Version)
	}
	if s.Env.Shell != "bash" {
		return buildspec{}, fmt.Errorf("the buildspec's shell %q is not supported; use bash", s.Env.Shell)
	}
	for name, r := range s.Reports {
		if r.Format != junit && r.Format != cobertura {
			return buildspec{}, fmt.Errorf("report %s: the file format %q is not supported", name, r.Format)
		}
	}
	for _, p := range s.phases() {
		for language := range p.Runtimes {
			if language != "golang" && language != "python" {
				return buildspec{}, fmt.Errorf("phase %s: the runtime %s is not supported", p.name, language)
			}
		}
	}
	return s, nil
}

type namedPhase struct {
	phase
	name string
	// stops means that no phase runs after this one has failed.
	stops bool
}

func (s buildspec) phases() []namedPhase {
	return []namedPhase{
		{s.Phases.Install, "install", true}, {s.Phases.PreBuild, "pre_build", true},
		{s.Phases.Build, "build", false}, {s.Phases.PostBuild, "post_build", false},
	}
}

// goVersion returns the Go version of the buildspec, or an empty string.
func (s buildspec) goVersion() string {
	for _, p := range s.phases() {
		if version := p.Runtimes["golang"]; version != "" {
			return version
		}
	}
	return ""
}

// script writes the shell script of a build. Each command is in its own file and
// one shell reads them all, so that later commands see the variables and the
// working folder that an earlier one sets. The file "at" names the current command.
func (b build) script() (string, error) {
	var out strings.Builder
	out.WriteString("export CODEBUILD_BUILD_SUCCEEDING=1\n")
	for _, p := range b.spec.phases() {
		// A loop that runs once, so that a failed command can break out of it.
		out.WriteString("while :; do\n:\n")
		if err := b.commands(&out, p.name, p.Commands); err != nil {
			return "", err
		}
		out.WriteString("break\ndone\n")
		if err := b.commands(&out, p.name+"-finally", p.Finally); err != nil {
			return "", err
		}
		if p.stops {
			out.WriteString(`[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ] || exit 1` + "\n")
		}
	}
	out.WriteString(`[ "$CODEBUILD_BUILD_SUCCEEDING" = 1 ] || exit 1` + "\n")
	for _, name := range b.spec.Env.Exported {
		fmt.Fprintf(&out, "[ -z \"${%s+set}\" ] || printf %%s \"$%s\" >%s\n", name, name, quote(b.exported(name)))
	}
	fmt.Fprintf(&out, "rm -f %s\n", quote(b.at()))
	path := filepath.Join(b.state, "build.sh")
	return path, writeText(path, out.String())
}

func (b build) commands(out *strings.Builder, phase string, commands []string) error {
	for i, command := range commands {
		name := phase + "." + strconv.Itoa(i)
		path := filepath.Join(b.state, name)
		if err := writeText(path, command+"\n"); err != nil {
			return err
		}
		onFailure := "break"
		if strings.HasSuffix(phase, "-finally") {
			onFailure = ":"
		}
		fmt.Fprintf(out, "printf %%s %s >%s\nprintf '%%s\\n' %s\n. %s || { export CODEBUILD_BUILD_SUCCEEDING=0; cp %s %s; %s; }\n",
			quote(name), quote(b.at()), quote("["+phase+"] "+command), quote(path), quote(b.at()), quote(b.failed()), onFailure)
	}
	return nil
}

func (b build) at() string                  { return filepath.Join(b.state, "at") }
func (b build) failed() string              { return filepath.Join(b.state, "failed") }
func (b build) exported(name string) string { return filepath.Join(b.state, "export."+name) }

func writeText(path, text string) error {
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	return nil
}

func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// failedCommand returns the phase and the command that failed first, or during
// which the shell ended.
func (b build) failedCommand() string {
	for _, file := range []string{b.failed(), b.at()} {
		raw, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		phase, index, _ := strings.Cut(string(raw), ".")
		command, err := os.ReadFile(filepath.Join(b.state, filepath.Base(string(raw))))
		if err != nil {
			continue
		}
		return fmt.Sprintf("phase %s, command %s: %s", phase, index, strings.TrimSpace(string(command)))
	}
	return "the build's shell"
}
