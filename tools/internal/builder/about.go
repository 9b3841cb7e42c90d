package builder

import (
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
)

// The limits of CodePipeline (https://docs.aws.amazon.com/codepipeline/latest/userguide/limits.html).
const (
	maxTemplate = 51_200
	maxArtifact = 256 << 20
)

// Build describes a build, for people and for the text of the approval. Stacks do
// not depend on it; otherwise each commit would change every function.
type Build struct {
	Service      string `json:"service"`
	Commit       string `json:"commit"`
	Architecture string `json:"architecture"`
	Go           string `json:"go"`
	// Version is a hash of the packaged template: equal versions deploy nothing.
	Version   string     `json:"version"`
	Functions []Function `json:"functions"`
}

// version is empty without a packaged template.
func (b Builder) version() (string, error) {
	sum, err := checksum(filepath.Join(b.Out, Template))
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return sum[:16], nil
}

func (b Builder) about(ctx context.Context, architecture string, functions []Function) error {
	version, err := b.version()
	if err != nil {
		return err
	}
	raw, err := json.MarshalIndent(Build{
		Service: b.Service, Commit: b.commit(ctx), Architecture: architecture,
		Go: runtime.Version(), Version: version, Functions: functions,
	}, "", "  ")
	if err != nil {
		return fmt.Errorf("json.MarshalIndent: %w", err)
	}
	return b.write(About, append(raw, '\n'))
}

// commit returns the given commit, or the clone's. CodePipeline's source has no .git.
func (b Builder) commit(ctx context.Context) string {
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
func (b Builder) limits(template, artifact int64) error {
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
		if d.Name() == Template {
			packaged = info.Size()
		}
		return nil
	})
	switch {
	case err != nil:
		return fmt.Errorf("filepath.WalkDir: %w", err)
	case packaged >= template:
		return fmt.Errorf("%s has %d bytes, but CodePipeline's limit is %d; move resources to a nested template", b.short(filepath.Join(b.Out, Template)), packaged, template)
	case sum >= artifact:
		return fmt.Errorf("%s has %d bytes, but CodePipeline's limit for artifacts is %d; upload code to the bucket", b.short(b.Out), sum, artifact)
	}
	return nil
}
