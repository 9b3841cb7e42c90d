package runner

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
func (r Repository) revision(ctx context.Context, ref string) (revision, error) {
	commit, err := r.git(ctx, "rev-parse", "--verify", cmp.Or(ref, "HEAD")+"^{commit}")
	if err != nil {
		return revision{}, fmt.Errorf("%s is not a commit of %s: %w", cmp.Or(ref, "HEAD"), r.Dir, err)
	}
	shown, err := r.git(ctx, "show", "--no-patch", "--format=%aI%n%s", commit)
	if err != nil {
		return revision{}, err
	}
	date, message, _ := strings.Cut(shown, "\n")
	out := revision{
		outputs: map[string]string{"CommitId": commit, "AuthorDate": date, "CommitMessage": message},
		note:    "commit " + commit[:12],
	}
	if ref == "" {
		err = r.workingTree(ctx, &out)
		return out, err
	}
	if out.zip, err = exec.CommandContext(ctx, "git", "-C", r.Dir, "archive", "--format=zip", commit).Output(); err != nil {
		return revision{}, fmt.Errorf("git archive: %w", err)
	}
	return out, nil
}

// workingTree adds the files that git tracks, with their changes, and the new files
// that git does not ignore.
func (r Repository) workingTree(ctx context.Context, to *revision) error {
	listed, err := r.git(ctx, "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
	if err != nil {
		return err
	}
	files := slices.DeleteFunc(strings.Split(listed, "\x00"), func(name string) bool {
		// A folder is another repository. A tracked file may be deleted.
		info, err := os.Lstat(filepath.Join(r.Dir, name))
		return name == "" || err != nil || info.IsDir()
	})
	if to.zip, err = pack(r.Dir, files); err != nil {
		return err
	}
	changed, err := r.git(ctx, "status", "--porcelain", "-z")
	if n := strings.Count(changed, "\x00"); n > 0 {
		to.note += fmt.Sprintf(" and %d changes of the working tree", n)
	}
	return err
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
