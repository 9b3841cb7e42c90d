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

	"github.com/aws/aws-sdk-go-v2/aws"
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

// pipelineRole assumes the pipeline's role as CodePipeline does.
func (c call) pipelineRole(ctx context.Context) (aws.Config, error) {
	account, p := c.execution.runner.Account, c.execution.definition.Pipeline
	return account.asService(ctx, codePipeline, account.arn("codepipeline", p.Name), p.RoleArn)
}

// source uses the clone on this machine in place of the connection's repository.
func (c call) source(ctx context.Context) (outcome, error) {
	if format := c.settings["OutputArtifactFormat"]; format != "CODE_ZIP" {
		return outcome{}, fmt.Errorf("OutputArtifactFormat %q is not supported; use CODE_ZIP", format)
	}
	as, err := c.pipelineRole(ctx)
	if err != nil {
		return outcome{}, err
	}
	use := request{
		role: c.execution.definition.Pipeline.RoleArn, resource: c.settings["ConnectionArn"], actions: []string{"codeconnections:UseConnection"},
		context: map[string]string{"codeconnections:FullRepositoryId": c.settings["FullRepositoryId"]},
	}
	if err := c.execution.runner.Account.check(ctx, use); err != nil {
		return outcome{}, err
	}
	options := c.execution.options
	revision, err := Repository{Dir: options.Source}.revision(ctx, options.Commit)
	if err != nil {
		return outcome{}, err
	}
	c.execution.record.Source = revision.note
	name := c.action.OutputArtifacts[0].Name
	key, err := c.execution.artifacts.put(ctx, as, name, revision.zip)
	if err != nil {
		return outcome{}, err
	}
	out := revision.outputs
	out["BranchName"], out["ConnectionArn"], out["FullRepositoryName"] = c.settings["BranchName"], c.settings["ConnectionArn"], c.settings["FullRepositoryId"]
	return outcome{
		note: revision.note, outputs: out, artifacts: map[string]string{name: key},
		simulated: []string{fmt.Sprintf("%s is the clone %s on this machine, not fetched through the connection", c.settings["FullRepositoryId"], options.Source)},
	}, nil
}

// inputs reads the input artifacts with the given credentials.
func (c call) inputs(ctx context.Context, as aws.Config) (map[string][]byte, error) {
	in := map[string][]byte{}
	for _, a := range c.action.InputArtifacts {
		key, ok := c.execution.record.Artifacts[a.Name]
		if !ok {
			return nil, fmt.Errorf("the artifact %s was not made", a.Name)
		}
		zip, err := c.execution.artifacts.get(ctx, as, key)
		if err != nil {
			return nil, err
		}
		in[a.Name] = zip
	}
	return in, nil
}
