package runner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// revision is what a pipeline starts with.
type revision struct {
	zip []byte
	// outputs are the variables of the source action.
	outputs map[string]string
	// note describes the revision.
	note string
}

// Repository is a clone on this machine.
type Repository struct{ Dir string }

// revision returns a commit, or the working tree if none is given. It is a zip
// file without the history, as CodePipeline makes it.
func (r Repository) revision(ctx context.Context, commit string) (revision, error) {
	if commit == "" {
		return r.workingTree(ctx)
	}
	return r.commit(ctx, commit)
}

func (r Repository) commit(ctx context.Context, ref string) (revision, error) {
	commit, err := r.git(ctx, "rev-parse", "--verify", ref+"^{commit}")
	if err != nil {
		return revision{}, fmt.Errorf("%s is not a commit of %s: %w", ref, r.Dir, err)
	}
	out, err := r.outputs(ctx, commit)
	if err != nil {
		return revision{}, err
	}
	cmd := exec.CommandContext(ctx, "git", "-C", r.Dir, "archive", "--format=zip", commit)
	zip, err := cmd.Output()
	if err != nil {
		return revision{}, fmt.Errorf("git archive: %w", err)
	}
	return revision{zip: zip, outputs: out, note: "commit " + commit[:12]}, nil
}

// workingTree returns the files that git tracks, with their changes, and the new
// files that git does not ignore.
func (r Repository) workingTree(ctx context.Context) (revision, error) {
	commit, err := r.git(ctx, "rev-parse", "--verify", "HEAD^{commit}")
	if err != nil {
		return revision{}, fmt.Errorf("%s is not a clone with a commit: %w", r.Dir, err)
	}
	out, err := r.outputs(ctx, commit)
	if err != nil {
		return revision{}, err
	}
	listed, err := r.git(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if err != nil {
		return revision{}, err
	}
	var files []string
	for _, name := range strings.Split(listed, "\x00") {
		// A folder is another repository. A tracked file may be deleted.
		if info, err := os.Lstat(filepath.Join(r.Dir, name)); err == nil && name != "" && !info.IsDir() {
			files = append(files, name)
		}
	}
	zip, err := pack(r.Dir, files)
	if err != nil {
		return revision{}, err
	}
	changed, err := r.git(ctx, "status", "--porcelain", "-z")
	if err != nil {
		return revision{}, err
	}
	note := "commit " + commit[:12]
	if n := strings.Count(changed, "\x00"); n > 0 {
		note += fmt.Sprintf(" and %d changes of the working tree", n)
	}
	return revision{zip: zip, outputs: out, note: note}, nil
}

// Changed returns the files that differ from a commit, and the new files.
func (r Repository) Changed(ctx context.Context, since string) ([]string, error) {
	listed, err := r.git(ctx, "diff", "--name-only", "-z", since)
	if err != nil {
		return nil, err
	}
	added, err := r.git(ctx, "ls-files", "-z", "--others", "--exclude-standard")
	if err != nil {
		return nil, err
	}
	return strings.FieldsFunc(listed+"\x00"+added, func(c rune) bool { return c == 0 }), nil
}

// outputs returns the variables of the source action that come from the commit.
func (r Repository) outputs(ctx context.Context, commit string) (map[string]string, error) {
	shown, err := r.git(ctx, "show", "--no-patch", "--format=%aI%n%s", commit)
	if err != nil {
		return nil, err
	}
	date, message, _ := strings.Cut(shown, "\n")
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
