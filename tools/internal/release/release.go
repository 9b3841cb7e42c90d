// Package release makes what a pipeline's build hands to its deployments: one
// folder with the template, the configuration of each environment, and what was
// built, by hashes and in a bill of materials. Equal sources make equal bytes, so
// that a function nobody changed is neither uploaded nor deployed.
package release

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

// The files of the artifact, which the pipelines' definitions and the buildspec name.
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
	Out          string // folder that is written anew
	Architecture string // empty: what samconfig.toml says
	Bucket       string // empty: nothing is uploaded, and there is no Template
	KeyARN       string // KMS key of the bucket
	Commit       string // empty: git is asked
	Environ      []string
	Log          io.Writer
}

// Build makes the artifact anew.
func (b Builder) Build(ctx context.Context) error {
	s, err := stacks.Find(b.Root, b.Service)
	if err != nil {
		return fmt.Errorf("stacks.Find: %w", err)
	}
	if err := b.clear(); err != nil {
		return err
	}
	b.say("reading samconfig.toml of %s", b.Service)
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

// Files are the patterns of all that an artifact holds; the buildspec lists the same.
func Files() []string {
	return []string{Template, About, Checksums, ConfigDir + "/*.json", SBOMDir + "/*.cdx.json"}
}

// clear takes away what another build left, so that nothing of it is deployed.
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

// workspace puts what SAM writes on its way beside the artifact, not into .local:
// the local system builds there.
func (b Builder) workspace() stacks.Workspace {
	return stacks.Workspace{Root: b.Root, Dir: b.Out + ".sam", Venv: b.Venv, Region: b.region()}
}

func (b Builder) cli() sam.CLI {
	return sam.CLI{Workspace: b.workspace(), Block: "production", Bucket: b.Bucket, Access: b.access()}
}

func (b Builder) say(format string, args ...any) { _, _ = fmt.Fprintf(b.Log, format+"\n", args...) }

// write puts one file into the artifact and says so.
func (b Builder) write(name string, raw []byte) error {
	if err := os.WriteFile(filepath.Join(b.Out, name), raw, 0o600); err != nil {
		return fmt.Errorf("os.WriteFile: %w", err)
	}
	b.say("wrote %s", b.short(filepath.Join(b.Out, name)))
	return nil
}

// short is a path as people write it, where it is in the repository.
func (b Builder) short(path string) string {
	if rel, err := filepath.Rel(b.Root, path); err == nil && filepath.IsLocal(rel) {
		return filepath.ToSlash(rel)
	}
	return path
}
