package runner

import (
	"bytes"
	"fmt"
	"slices"

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
	Cache     struct{ Paths []string }
}

// phase is a list of commands. The commands under finally always run.
type phase struct {
	Runtimes map[string]string `yaml:"runtime-versions"`
	Commands []string
	Finally  []string
}

// fileSet is a set of globs below a folder.
type fileSet struct {
	Files []string
	Base  string `yaml:"base-directory"`
}

// reportFiles are the files of one report.
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
			if language != "golang" {
				return buildspec{}, fmt.Errorf("phase %s: the runtime %s is not supported", p.name, language)
			}
		}
	}
	return s, nil
}

// namedPhase is a phase with its name.
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
	phases := s.phases()
	if i := slices.IndexFunc(phases, func(p namedPhase) bool { return p.Runtimes["golang"] != "" }); i >= 0 {
		return phases[i].Runtimes["golang"]
	}
	return ""
}
