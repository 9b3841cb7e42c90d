package builder

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// The files of the artifact. The pipelines and the buildspec refer to these names.
const (
	Template  = "packaged.yaml"
	Checksums = "checksums.txt"
	About     = "build.json"
	ConfigDir = "config"
	SBOMDir   = "sbom"
)

// Builder makes one service's artifact.
type Builder struct {
	Root         string // of the repository
	Service      string
	Venv         string // of the SAM CLI
	Tools        string // folder of cyclonedx-gomod
	Out          string // output folder, which is cleared first
	Architecture string // empty: the one in samconfig.toml
	Bucket       string // empty: nothing is uploaded, and there is no Template
	KeyARN       string // KMS key of the bucket
	Commit       string // empty: the one of the clone
	Environ      []string
	Log          io.Writer
}

// Build makes the artifact.
func (b Builder) Build(ctx context.Context) error {
	s, err := stacks.Find(b.Root, b.Service)
	if err != nil {
		return fmt.Errorf("stacks.Find: %w", err)
	}
	if err := b.clear(); err != nil {
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
	cli := b.cli()
	if err := cli.Prepare(time.Now()); err != nil {
		return fmt.Errorf("sam.CLI.Prepare: %w", err)
	}
	functions, err := b.compile(ctx, cli, s, architecture)
	if err != nil {
		return err
	}
	if err := b.upload(ctx, cli, s); err != nil {
		return err
	}
	if err := b.about(ctx, architecture, functions); err != nil {
		return err
	}
	return b.limits(maxTemplate, maxArtifact)
}

// Files returns the patterns of all files of an artifact. The buildspec has the same
// list.
func Files() []string {
	return []string{Template, About, Checksums, ConfigDir + "/*.json", SBOMDir + "/*.cdx.json"}
}

// clear removes the files of an earlier build, so that none of them is deployed.
func (b Builder) clear() error {
	for _, name := range []string{Template, Checksums, About, ConfigDir, SBOMDir} {
		if err := os.RemoveAll(filepath.Join(b.Out, name)); err != nil {
			return fmt.Errorf("os.RemoveAll: %w", err)
		}
	}
	for _, dir := range []string{ConfigDir, SBOMDir} {
		if err := os.MkdirAll(filepath.Join(b.Out, dir), 0o750); err != nil {
			return fmt.Errorf("os.MkdirAll: %w", err)
		}
	}
	return nil
}

// workspace puts SAM's intermediate files next to the artifact, not into .local, where
// the local system builds.
func (b Builder) workspace() stacks.Workspace {
	return stacks.Workspace{Root: b.Root, Dir: b.Out + ".sam", Venv: b.Venv, Region: b.region()}
}

func (b Builder) cli() sam.CLI {
	return sam.CLI{Workspace: b.workspace(), Block: "production", Bucket: b.Bucket, Access: b.access()}
}

func (b Builder) print(format string, args ...any) { _, _ = fmt.Fprintf(b.Log, format+"\n", args...) }

// write writes one file of the artifact.
func (b Builder) write(name string, raw []byte) error {
	if err := os.WriteFile(filepath.Join(b.Out, name), raw, 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	b.print("wrote %s", b.short(filepath.Join(b.Out, name)))
	return nil
}

// short returns a path relative to the repository, if it is inside.
func (b Builder) short(path string) string {
	if rel, err := filepath.Rel(b.Root, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}
