package builder

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
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
	cli := sam.CLI{Workspace: workspace, Block: "production", Bucket: b.Bucket, Access: b.access()}
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
	if err := b.writeAbout(ctx, architecture, functions); err != nil {
		return err
	}
	return b.limits(maxTemplate, maxArtifact)
}

func (b Build) print(format string, args ...any) { _, _ = fmt.Fprintf(b.Log, format+"\n", args...) }

// write writes one file of the artifact.
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
