package builder

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// The files of the artifact. The pipelines and the buildspec refer to these names.
const (
	packagedFile  = "packaged.yaml"
	checksumsFile = "checksums.txt"
	aboutFile     = "build.json"
	configDir     = "config"
	sbomDir       = "sbom"
)

// Package makes the artifact that the pipeline deploys.
func (b Build) Package(ctx context.Context) error {
	s, err := stacks.Find(b.Root, b.Service)
	if err != nil {
		return fmt.Errorf("stacks.Find: %w", err)
	}
	if err := b.clear([]string{configDir, sbomDir}, packagedFile, checksumsFile, aboutFile); err != nil {
		return err
	}
	b.print("reading samconfig.toml of %s", b.Service)
	configs, err := b.configs(s)
	if err != nil {
		return err
	}
	architecture, err := b.architecture(s, configs)
	if err != nil {
		return err
	}
	if err := b.writeConfigs(configs); err != nil {
		return err
	}
	// Intermediate files are next to the artifact, not in .local, where the local system builds.
	workspace := stacks.Workspace{Root: b.Root, Dir: b.Out + ".sam", Venv: b.Venv, Region: b.region()}
	cli := sam.CLI{Workspace: workspace, Block: "production"}
	if err := cli.Prepare(time.Now()); err != nil {
		return fmt.Errorf("sam.CLI.Prepare: %w", err)
	}
	functions, err := b.compile(ctx, cli, s, architecture)
	if err != nil {
		return err
	}
	uploaded, err := b.upload(ctx, cli, s)
	if err != nil {
		return err
	}
	if err := b.writeAbout(ctx, architecture, functions, uploaded); err != nil {
		return err
	}
	return b.limits(maxTemplate, maxArtifact)
}

func (b Build) print(format string, args ...any) { _, _ = fmt.Fprintf(b.Log, format+"\n", args...) }

func (b Build) write(name string, raw []byte) error {
	if err := os.WriteFile(filepath.Join(b.Out, name), raw, 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	b.print("wrote %s", b.short(filepath.Join(b.Out, name)))
	return nil
}

func (b Build) writeJSON(name string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("json.MarshalIndent: %w", err)
	}
	return b.write(name, append(raw, '\n'))
}

// short returns a path relative to the repository, if it is inside.
func (b Build) short(path string) string {
	if rel, err := filepath.Rel(b.Root, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}

// The limits of CodePipeline (https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html).
const (
	maxTemplate = 51_200
	maxArtifact = 256 << 20
)

// about describes a build, for people and for the check of what was approved. Stacks do
// not depend on it; otherwise each commit would change every function.
type about struct {
	Service      string `json:"service"`
	Commit       string `json:"commit"`
	Architecture string `json:"architecture"`
	Go           string `json:"go"`
	// Version is a hash of the packaged template: equal versions deploy nothing. It is
	// empty without one.
	Version   string     `json:"version"`
	Functions []function `json:"functions"`
	// Files and Objects are the SHA-256, in hex, of what is deployed: the artifact's
	// files by name, and the objects in the bucket by key.
	Files   map[string]string `json:"files"`
	Objects map[string]string `json:"objects"`
}

func (b Build) writeAbout(ctx context.Context, architecture string, functions []function, uploaded map[string]string) error {
	version, err := checksum(filepath.Join(b.Out, packagedFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	files, err := b.fileSums()
	if err != nil {
		return err
	}
	return b.writeJSON(aboutFile, about{
		Service: b.Service, Commit: b.commit(ctx), Architecture: architecture,
		Go: runtime.Version(), Version: version[:min(16, len(version))], Functions: functions,
		Files: files, Objects: uploaded,
	})
}

// commit returns the given commit, or the clone's. CodePipeline's source has no .git.
func (b Build) commit(ctx context.Context) string {
	if b.Commit != "" {
		return b.Commit
	}
	cmd := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
	cmd.Dir = b.Root
	out, err := cmd.Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

// limits refuses early what CodePipeline would refuse after minutes.
func (b Build) limits(template, artifact int64) error {
	var sum, packaged int64
	err := filepath.WalkDir(b.Out, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		sum += info.Size()
		if d.Name() == packagedFile {
			packaged = info.Size()
		}
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("filepath.WalkDir: %w", err)
	case packaged >= template:
		return fmt.Errorf("%s has %d bytes, but CodePipeline's limit is %d; move resources to a nested template", b.short(filepath.Join(b.Out, packagedFile)), packaged, template)
	case sum >= artifact:
		return fmt.Errorf("%s has %d bytes, but CodePipeline's limit for artifacts is %d; upload code to the bucket", b.short(b.Out), sum, artifact)
	}
	return nil
}

// variable returns the last value of an environment variable, or an empty string.
func (b Build) variable(name string) string {
	value := ""
	for _, e := range b.Environ {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

// region returns the region of the artifact bucket.
func (b Build) region() string {
	return cmp.Or(b.variable("AWS_REGION"), b.variable("AWS_DEFAULT_REGION"), stacks.DefaultRegion)
}
