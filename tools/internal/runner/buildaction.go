package runner

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gatehouse.example/tools/internal/runner/access"
	"gatehouse.example/tools/internal/runner/artifact"
	"gatehouse.example/tools/internal/runner/build"
	"gatehouse.example/tools/pipeline"
)

// tail is how much of a failed build's log is shown.
const tail = 1200

// build runs a project's buildspec here.
func (c call) build(ctx context.Context) (outcome, error) {
	project := c.definition.Projects[c.settings["ProjectName"]]
	arn := fmt.Sprintf("arn:aws:codebuild:%s:%s:project/%s", c.Account.Config.Region, c.Account.ID, project.Name)
	if _, err := c.pipelineRole(ctx); err != nil {
		return outcome{}, err
	}
	start := access.Request{Role: c.definition.Pipeline.RoleArn, Resource: arn, Actions: []string{"codebuild:BatchGetBuilds", "codebuild:StartBuild"}}
	if err := c.Account.May(ctx, start); err != nil {
		return outcome{}, err
	}
	as, err := c.Account.AsService(ctx, access.CodeBuild, arn, project.ServiceRole)
	if err != nil {
		return outcome{}, err
	}
	in, err := c.inputs(ctx, as)
	if err != nil {
		return outcome{}, err
	}
	if project.TimeoutInMinutes > 0 {
		limit := time.Duration(project.TimeoutInMinutes) * time.Minute
		var stop context.CancelFunc
		ctx, stop = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the project %s allows a build %v", project.Name, limit))
		defer stop()
	}
	// The same folder each time, for Go knows compiled packages and tests by it.
	dir := filepath.Join(c.past.Dir, "work", c.stage+"-"+c.Name)
	if err := remove(dir); err != nil {
		return outcome{}, err
	}
	defer func() { _ = remove(dir) }()
	return c.buildIn(ctx, dir, project, as, in[c.InputArtifacts[0].Name])
}

// remove deletes a build's folder; Go's module cache, were it in there, could not be.
func remove(dir string) error {
	_ = filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			err = os.Chmod(path, 0o700) //nolint:gosec // a folder that is deleted next
		}
		return err
	})
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("os.RemoveAll: %w", err)
	}
	return nil
}

func (c call) buildIn(ctx context.Context, dir string, project pipeline.Project, as aws.Config, sources []byte) (outcome, error) {
	job := build.Job{Dir: filepath.Join(dir, "src"), State: filepath.Join(dir, "state")}
	home := filepath.Join(dir, "home")
	for _, d := range []string{job.Dir, job.State} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return outcome{}, fmt.Errorf("os.MkdirAll: %w", err)
		}
	}
	if err := build.Home(home); err != nil {
		return outcome{}, fmt.Errorf("build.Home: %w", err)
	}
	if err := artifact.Unpack(sources, job.Dir); err != nil {
		return outcome{}, fmt.Errorf("artifact.Unpack: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(job.Dir, project.Source.BuildSpec))
	if err != nil {
		return outcome{}, fmt.Errorf("the buildspec: os.ReadFile: %w", err)
	}
	if job.Spec, err = build.Parse(raw); err != nil {
		return outcome{}, fmt.Errorf("%s: %w", project.Source.BuildSpec, err)
	}
	if err := c.mayReport(ctx, project, job.Spec); err != nil {
		return outcome{}, err
	}
	if job.Env, err = c.environment(ctx, project, as, home); err != nil {
		return outcome{}, err
	}
	log, err := c.logs(c.stage, c.Name)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = log.Close() }()
	job.Log = log
	result, err := job.Run(ctx)
	out := outcome{note: cmp.Or(strings.Join(result.Reports, "; "), "no reports"), outputs: result.Exported, artifacts: map[string]string{}}
	out.simulated = []string{"the machine is this one; the caches are its own: modules, compiled packages and " + c.Workspace.Venv}
	if err != nil {
		return out, fmt.Errorf("%w\n%s\n(all of it: %s)", err, end(log.Name()), log.Name())
	}
	if len(c.OutputArtifacts) == 1 {
		if result.Zip == nil {
			return out, fmt.Errorf("%s declares no artifacts, and the action's output %s wants them", project.Source.BuildSpec, c.OutputArtifacts[0].Name)
		}
		key, err := c.store.Put(ctx, as, c.OutputArtifacts[0].Name, result.Zip)
		if err != nil {
			return out, err
		}
		out.artifacts[c.OutputArtifacts[0].Name] = key
	}
	return out, nil
}

// mayReport asks about what CodeBuild does with the project's role around a
// build: its log, and its reports in groups of the pipeline's stack.
func (c call) mayReport(ctx context.Context, project pipeline.Project, spec build.Spec) error {
	var errs []error
	if group := project.LogsConfig.CloudWatchLogs.GroupName; group != "" {
		errs = append(errs, c.Account.May(ctx, access.Request{
			Role: project.ServiceRole, Actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			Resource: fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s:log-stream:build", c.Account.Config.Region, c.Account.ID, group),
		}))
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Reports)) {
		group := project.Name + "-" + name
		if !slices.Contains(c.definition.ReportGroups, group) {
			errs = append(errs, fmt.Errorf("%s has the report %s, and the pipeline's stack no report group %s", project.Source.BuildSpec, name, group))
			continue
		}
		put := "codebuild:BatchPutTestCases"
		if spec.Reports[name].Coverage() {
			put = "codebuild:BatchPutCodeCoverages"
		}
		errs = append(errs, c.Account.May(ctx, access.Request{
			Role: project.ServiceRole, Actions: []string{"codebuild:CreateReport", "codebuild:UpdateReport", put},
			Resource: fmt.Sprintf("arn:aws:codebuild:%s:%s:report-group/%s", c.Account.Config.Region, c.Account.ID, group),
		}))
	}
	return errors.Join(errs...)
}

// environment is all that a build knows: what CodeBuild sets, the project's and
// the action's variables, its role's keys, and this machine's caches.
func (c call) environment(ctx context.Context, project pipeline.Project, as aws.Config, home string) ([]string, error) {
	values, err := caches(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := as.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("aws.CredentialsProvider.Retrieve: %w", err)
	}
	maps.Copy(values, map[string]string{
		// The sources have no history; git must not find that of a clone around them.
		"GIT_CEILING_DIRECTORIES": filepath.Dir(home),
		"PATH":                    filepath.Join(c.Workspace.Venv, "bin") + ":" + os.Getenv("PATH"), "HOME": home, "LANG": "C.UTF-8", "VENV": c.Workspace.Venv,
		"GOPATH": filepath.Join(home, "go"), "AWS_REGION": c.Account.Config.Region, "AWS_DEFAULT_REGION": c.Account.Config.Region,
		"AWS_ENDPOINT_URL": aws.ToString(c.Account.Config.BaseEndpoint), "AWS_ACCESS_KEY_ID": keys.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey, "AWS_SESSION_TOKEN": keys.SessionToken, "SAM_CLI_TELEMETRY": "0",
		"CODEBUILD_BUILD_ID": project.Name + ":" + c.ID, "CODEBUILD_INITIATOR": "codepipeline/" + c.Pipeline, "CODEBUILD_CI": "true", "CI": "true",
	})
	given := project.Environment.EnvironmentVariables
	if text := c.settings["EnvironmentVariables"]; text != "" {
		var own []pipeline.EnvironmentVariable
		if err := json.Unmarshal([]byte(text), &own); err != nil {
			return nil, fmt.Errorf("EnvironmentVariables: json.Unmarshal: %w", err)
		}
		given = slices.Concat(given, own)
	}
	for _, v := range given {
		if v.Type != "" && v.Type != "PLAINTEXT" {
			return nil, fmt.Errorf("the environment variable %s: the type %s is not known here", v.Name, v.Type)
		}
		values[v.Name] = v.Value
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name])
	}
	return env, nil
}

// caches are this machine's, in the place of CodeBuild's in S3, with where
// modules come from.
func caches(ctx context.Context) (map[string]string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "-json", "GOCACHE", "GOMODCACHE", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	values := map[string]string{}
	if err := json.Unmarshal(out, &values); err != nil {
		return nil, fmt.Errorf("json.Unmarshal: %w", err)
	}
	return values, nil
}

// end is what a log says last.
func end(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	if len(raw) > tail {
		raw = raw[len(raw)-tail:]
		if _, rest, ok := strings.Cut(string(raw), "\n"); ok {
			raw = []byte(rest)
		}
	}
	return strings.TrimRight("  | "+strings.ReplaceAll(strings.TrimSpace(string(raw)), "\n", "\n  | "), " ")
}
