// Package source plays the source action: a shallow zip of the repository
// without its history, and what CodePipeline tells about the commit.
package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"gatehouse.example/tools/internal/runner/artifact"
)

// Revision is what a pipeline starts with.
type Revision struct {
	Zip []byte
	// Outputs are the action's variables.
	Outputs map[string]string
	// Note says what it is.
	Note string
}

// Repository is a clone on this machine.
type Repository struct{ Dir string }

// Commit takes a commit as it is.
func (r Repository) Commit(ctx context.Context, ref string) (Revision, error) {
	commit, err := r.git(ctx, "rev-parse", "--verify", ref+"^{commit}")
	if err != nil {
		return Revision{}, fmt.Errorf("%s is no commit of %s: %w", ref, r.Dir, err)
	}
	out, err := r.outputs(ctx, commit)
	if err != nil {
		return Revision{}, err
	}
	cmd := exec.CommandContext(ctx, "git", "-C", r.Dir, "archive", "--format=zip", commit)
	zip, err := cmd.Output()
	if err != nil {
		return Revision{}, fmt.Errorf("git archive: %w", err)
	}
	return Revision{Zip: zip, Outputs: out, Note: "commit " + commit[:12]}, nil
}

// WorkingTree takes the files as they lie there: what git tracks, with its
// changes, and what it does not ignore.
func (r Repository) WorkingTree(ctx context.Context) (Revision, error) {
	commit, err := r.git(ctx, "rev-parse", "--verify", "HEAD^{commit}")
	if err != nil {
		return Revision{}, fmt.Errorf("%s is no clone with a commit: %w", r.Dir, err)
	}
	out, err := r.outputs(ctx, commit)
	if err != nil {
		return Revision{}, err
	}
	listed, err := r.git(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if err != nil {
		return Revision{}, err
	}
	var files []string
	for _, name := range strings.Split(listed, "\x00") {
		// A folder is another repository; a file may be deleted and not yet told git.
		if info, err := os.Lstat(filepath.Join(r.Dir, name)); err == nil && name != "" && !info.IsDir() {
			files = append(files, name)
		}
	}
	zip, err := artifact.Pack(r.Dir, files)
	if err != nil {
		return Revision{}, fmt.Errorf("artifact.Pack: %w", err)
	}
	changed, err := r.git(ctx, "status", "--porcelain", "-z")
	if err != nil {
		return Revision{}, err
	}
	note := "commit " + commit[:12]
	if n := strings.Count(changed, "\x00"); n > 0 {
		note += fmt.Sprintf(" and %d changes of the working tree", n)
	}
	return Revision{Zip: zip, Outputs: out, Note: note}, nil
}

// Changed are the files that differ from a commit, with those that are new.
func (r Repository) Changed(ctx context.Context, since string) ([]string, error) {
	listed, err := r.git(ctx, "diff", "--name-only", "-z", since)
	if err != nil {
		return nil, err
	}
	fresh, err := r.git(ctx, "ls-files", "-z", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(listed+"\x00"+fresh, func(c rune) bool { return c == 0 }), nil
}

// outputs of the action; ConnectionArn and FullRepositoryName are the action's own settings.
func (r Repository) outputs(ctx context.Context, commit string) (map[string]string, error) {
	said, err := r.git(ctx, "show", "--no-patch", "--format=%aI%n%s", commit)
	if err != nil {
		return nil, err
	}
	date, message, _ := strings.Cut(said, "\n")
	return map[string]string{"CommitId": commit, "AuthorDate": date, "CommitMessage": message}, nil
}

func (r Repository) git(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "git", append([]string{"-C", r.Dir}, args...)...)
	out, err := cmd.Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) {
		return "", fmt.Errorf("git %s: %s", args[0], bytes.TrimSpace(failed.Stderr))
	}
	if err != nil {
		return "", fmt.Errorf("git %s: %w", args[0], err)
	}
	return strings.TrimSuffix(string(out), "\n"), nil
}
