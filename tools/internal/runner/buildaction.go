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

	"gatehouse.example/tools/pipeline"
)

// logTail is how many bytes of a failed build's log are shown.
const logTail = 1200

// build runs the buildspec of a project on this machine.
func (c call) build(ctx context.Context) (outcome, error) {
	project := c.execution.definition.Projects[c.settings["ProjectName"]]
	account := c.execution.runner.Account
	arn := account.arn("codebuild", "project/"+project.Name)
	if _, err := c.pipelineRole(ctx); err != nil {
		return outcome{}, err
	}
	start := request{role: c.execution.definition.Pipeline.RoleArn, resource: arn, actions: []string{"codebuild:BatchGetBuilds", "codebuild:StartBuild"}}
	if err := account.check(ctx, start); err != nil {
		return outcome{}, err
	}
	as, err := account.asService(ctx, codeBuild, arn, project.ServiceRole)
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
		ctx, stop = context.WithTimeoutCause(ctx, limit, fmt.Errorf("the timeout of the project %s is %v", project.Name, limit))
		defer stop()
	}
	// Each build of an action uses the same folder: Go's cache depends on the path.
	dir := filepath.Join(c.execution.past.Dir, "work", c.stage+"-"+c.action.Name)
	if err := remove(dir); err != nil {
		return outcome{}, err
	}
	defer func() { _ = remove(dir) }()
	return c.buildIn(ctx, dir, project, as, in)
}

// remove deletes a build's folder, including read-only folders such as those of
// Go's module cache.
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

func (c call) buildIn(ctx context.Context, dir string, project pipeline.Project, as aws.Config, in map[string][]byte) (outcome, error) {
	b, err := c.prepare(ctx, dir, project, as, in)
	if err != nil {
		return outcome{}, err
	}
	log, err := c.execution.log(c.stage, c.action.Name)
	if err != nil {
		return outcome{}, err
	}
	defer func() { _ = log.Close() }()
	b.log = log
	result, err := b.run(ctx)
	out := outcome{note: cmp.Or(strings.Join(result.reports, "; "), "no reports"), outputs: result.exported, artifacts: map[string]string{}}
	out.simulated = []string{"the build runs on this machine, with its caches of modules and compiled packages and the tools in " + c.execution.runner.Workspace.Venv}
	if err != nil {
		return out, fmt.Errorf("%w\n%s\n(the whole log: %s)", err, tailOf(log.Name()), log.Name())
	}
	for _, output := range c.action.OutputArtifacts { // at most one
		if result.zip == nil {
			return out, fmt.Errorf("%s declares no artifacts, but the action has the output %s", project.Source.BuildSpec, output.Name)
		}
		if out.artifacts[output.Name], err = c.execution.artifacts.put(ctx, as, output.Name, result.zip); err != nil {
			return out, err
		}
	}
	return out, nil
}

// prepare unpacks the input artifacts and returns the build of the buildspec.
func (c call) prepare(ctx context.Context, dir string, project pipeline.Project, as aws.Config, in map[string][]byte) (build, error) {
	b := build{dir: filepath.Join(dir, "src"), state: filepath.Join(dir, "state")}
	home := filepath.Join(dir, "home")
	if err := os.MkdirAll(b.state, 0o700); err != nil {
		return b, fmt.Errorf("os.MkdirAll: %w", err)
	}
	if err := makeHome(home); err != nil {
		return b, err
	}
	more, err := c.unpackInputs(dir, b.dir, in)
	if err != nil {
		return b, err
	}
	raw, err := os.ReadFile(filepath.Join(b.dir, project.Source.BuildSpec))
	if err != nil {
		return b, fmt.Errorf("the buildspec: os.ReadFile: %w", err)
	}
	if b.spec, err = parseBuildspec(raw); err != nil {
		return b, fmt.Errorf("%s: %w", project.Source.BuildSpec, err)
	}
	if err := c.checkReports(ctx, project, b.spec); err != nil {
		return b, err
	}
	b.env, err = c.environment(ctx, project, as, home)
	b.env = append(b.env, more...)
	return b, err
}

// unpackInputs unpacks the sources, and each other input artifact into a folder of its
// own, whose variable it returns, as CodeBuild does.
func (c call) unpackInputs(dir, sources string, in map[string][]byte) ([]string, error) {
	var variables []string
	for _, name := range slices.Sorted(maps.Keys(in)) {
		to := sources
		if name != c.action.PrimarySource() {
			to = filepath.Join(dir, "src-"+name)
			variables = append(variables, "CODEBUILD_SRC_DIR_"+name+"="+to)
		}
		if err := os.MkdirAll(to, 0o700); err != nil {
			return nil, fmt.Errorf("os.MkdirAll: %w", err)
		}
		if err := unpack(in[name], to); err != nil {
			return nil, fmt.Errorf("the artifact %s: %w", name, err)
		}
	}
	return variables, nil
}

// checkReports checks what CodeBuild does with the project's role besides the
// build: writing its log, and its reports in the report groups of the stack.
func (c call) checkReports(ctx context.Context, project pipeline.Project, spec buildspec) error {
	account := c.execution.runner.Account
	var errs []error
	if group := project.LogsConfig.CloudWatchLogs.GroupName; group != "" {
		errs = append(errs, account.check(ctx, request{
			role: project.ServiceRole, actions: []string{"logs:CreateLogStream", "logs:PutLogEvents"},
			resource: account.arn("logs", "log-group:"+group+":log-stream:build"),
		}))
	}
	for _, name := range slices.Sorted(maps.Keys(spec.Reports)) {
		group := project.Name + "-" + name
		if !slices.Contains(c.execution.definition.ReportGroups, group) {
			errs = append(errs, fmt.Errorf("%s has the report %s, but the pipeline's stack has no report group %s", project.Source.BuildSpec, name, group))
			continue
		}
		put := "codebuild:BatchPutTestCases"
		if spec.Reports[name].Format == cobertura {
			put = "codebuild:BatchPutCodeCoverages"
		}
		errs = append(errs, account.check(ctx, request{
			role: project.ServiceRole, actions: []string{"codebuild:CreateReport", "codebuild:UpdateReport", put},
			resource: account.arn("codebuild", "report-group/"+group),
		}))
	}
	return errors.Join(errs...)
}

// environment returns the whole environment of a build: what CodeBuild sets, the
// variables of the project and of the action, the role's credentials and the
// caches of this machine.
func (c call) environment(ctx context.Context, project pipeline.Project, as aws.Config, home string) ([]string, error) {
	values, err := goSettings(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := as.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, fmt.Errorf("aws.CredentialsProvider.Retrieve: %w", err)
	}
	account, venv := c.execution.runner.Account.Config, c.execution.runner.Workspace.Venv
	maps.Copy(values, map[string]string{
		// The sources have no history; git must not find that of a clone around them.
		"GIT_CEILING_DIRECTORIES": filepath.Dir(home),
		"PATH":                    filepath.Join(venv, "bin") + ":" + os.Getenv("PATH"), "HOME": home, "LANG": "C.UTF-8", "VENV": venv,
		"GOPATH": filepath.Join(home, "go"), "AWS_REGION": account.Region, "AWS_DEFAULT_REGION": account.Region,
		"AWS_ENDPOINT_URL": aws.ToString(account.BaseEndpoint), "AWS_ACCESS_KEY_ID": keys.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY": keys.SecretAccessKey, "AWS_SESSION_TOKEN": keys.SessionToken, "SAM_CLI_TELEMETRY": "0",
		"CODEBUILD_BUILD_ID": project.Name + ":" + c.execution.record.ID, "CODEBUILD_INITIATOR": "codepipeline/" + c.execution.record.Pipeline,
		"CODEBUILD_CI": "true", "CI": "true",
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
			return nil, fmt.Errorf("the environment variable %s: the type %s is not supported", v.Name, v.Type)
		}
		values[v.Name] = v.Value
	}
	var env []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		env = append(env, name+"="+values[name])
	}
	return env, nil
}

// goSettings returns the caches of this machine, without which a build takes minutes,
// and the settings of the module proxy.
func goSettings(ctx context.Context) (map[string]string, error) {
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

func tailOf(path string) string {
	raw, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	text := strings.TrimSpace(string(raw))
	if len(text) > logTail {
		text = text[len(text)-logTail:]
		if _, rest, ok := strings.Cut(text, "\n"); ok {
			text = rest
		}
	}
	return "  | " + strings.ReplaceAll(text, "\n", "\n  | ")
}
