// Package build plays CodeBuild: it runs a buildspec's phases in a clean copy of
// the sources, in one shell, with nothing of the person's own environment.
package build

import (
	"bytes"
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Spec is a buildspec, as far as it is known here; anything else is refused by name.
type Spec struct {
	Version string
	Env     struct {
		Shell     string
		Variables map[string]string
		Exported  []string `yaml:"exported-variables"`
	}
	Phases struct {
		Install   Phase
		PreBuild  Phase `yaml:"pre_build"`
		Build     Phase
		PostBuild Phase `yaml:"post_build"`
	}
	Reports   map[string]ReportFiles
	Artifacts Files
	Cache     struct{ Paths []string }
}

// Phase is a list of commands; what stands under finally runs in any case.
type Phase struct {
	Runtimes map[string]string `yaml:"runtime-versions"`
	Commands []string
	Finally  []string
}

// Files are globs below a folder.
type Files struct {
	Files []string
	Base  string `yaml:"base-directory"`
}

// ReportFiles are those of one report.
type ReportFiles struct {
	Files  `yaml:",inline"`
	Format string `yaml:"file-format"`
}

// The formats of reports.
const (
	junit     = "JUNITXML"
	cobertura = "COBERTURAXML"
)

// Parse reads a buildspec.
func Parse(raw []byte) (Spec, error) {
	var s Spec
	dec := yaml.NewDecoder(bytes.NewReader(raw))
	dec.KnownFields(true)
	if err := dec.Decode(&s); err != nil {
		return Spec{}, fmt.Errorf("the buildspec says what is not known here: %w", err)
	}
	if s.Version != "0.2" {
		return Spec{}, fmt.Errorf("the buildspec's version %q is not known here; it is 0.2", s.Version)
	}
	if s.Env.Shell != "bash" {
		return Spec{}, fmt.Errorf("the buildspec's shell %q is not known here; it is bash", s.Env.Shell)
	}
	for name, r := range s.Reports {
		if r.Format != junit && r.Format != cobertura {
			return Spec{}, fmt.Errorf("report %s: the file format %q is not known here", name, r.Format)
		}
	}
	for _, p := range s.phases() {
		for language := range p.Runtimes {
			if language != "golang" {
				return Spec{}, fmt.Errorf("phase %s: the runtime %s is not known here", p.name, language)
			}
		}
	}
	return s, nil
}

// named is a phase under its name.
type named struct {
	Phase
	name string
	// stops says that nothing comes after its failure.
	stops bool
}

func (s Spec) phases() []named {
	return []named{
		{s.Phases.Install, "install", true}, {s.Phases.PreBuild, "pre_build", true},
		{s.Phases.Build, "build", false}, {s.Phases.PostBuild, "post_build", false},
	}
}

// Go is the version that the buildspec asks for, or empty.
func (s Spec) Go() string {
	phases := s.phases()
	if i := slices.IndexFunc(phases, func(p named) bool { return p.Runtimes["golang"] != "" }); i >= 0 {
		return phases[i].Runtimes["golang"]
	}
	return ""
}
