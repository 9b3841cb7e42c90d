package builder

import (
	"context"
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

// about describes a build, for people and for the text of the approval. Stacks do
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
}

func (b Build) writeAbout(ctx context.Context, architecture string, functions []function) error {
	version, err := checksum(filepath.Join(b.Out, packagedFile))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return b.writeJSON(aboutFile, about{
		Service: b.Service, Commit: b.commit(ctx), Architecture: architecture,
		Go: runtime.Version(), Version: version[:min(16, len(version))], Functions: functions,
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
