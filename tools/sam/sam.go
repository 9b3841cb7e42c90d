package sam

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/pythontools"
	"gatehouse.example/tools/stacks"
)

// stopGrace is how long an interrupted command may take to end.
const stopGrace = 5 * time.Second

// CLI runs SAM for one environment.
type CLI struct {
	// Workspace says where the tools and the built files are, and the region.
	Workspace stacks.Workspace
	// Block is the environment's in samconfig.toml.
	Block string
	// Bucket is for the functions' code and exists. If it is empty, SAM creates one.
	Bucket string
	// Access are the variables for AWS's endpoint and credentials. No other AWS setting
	// of the shell is passed to SAM.
	Access []string
	// Settle waits until no operation on a stack is in progress.
	Settle func(ctx context.Context, stack string) error
}

// Deployment is one stack to deploy.
type Deployment struct {
	Stack  stacks.Stack
	Config Config
	// Name is the CloudFormation stack's.
	Name string
	// Prefix changes the keys of the code and the functions' versions, so that
	// CloudFormation deploys them again.
	Prefix string
	// Tags are those of the stack. Without any, SAM removes the tags that it has.
	Tags map[string]string
	// PlanOnly makes the change set and does not execute it.
	PlanOnly bool
}

// Build compiles a stack's functions and writes the built template, with the marks of
// MarkVersions.
func (c CLI) Build(ctx context.Context, s stacks.Stack, parameters map[string]string, log io.Writer) error {
	args := []string{
		"build", "--template-file", s.Template(), "--build-dir", c.Workspace.BuildDir(s.Name),
		"--no-cached", "--parallel",
	}
	args = append(args, c.common(s)...)
	if err := c.run(ctx, s.Dir, withParameters(args, parameters), log); err != nil {
		return err
	}
	built := c.built(s)
	return MarkVersions(built, built, "")
}

// built is the path of a stack's built template.
func (c CLI) built(s stacks.Stack) string {
	return filepath.Join(c.Workspace.BuildDir(s.Name), "template.yaml")
}

// Deploy deploys a built stack. It deploys a second time if CloudFormation refused
// a repeated call of the first: then that call was successful, and the second
// deployment finds nothing to change or continues.
func (c CLI) Deploy(ctx context.Context, d Deployment, log *os.File) error {
	err := c.deploy(ctx, d, log)
	if err == nil || ctx.Err() != nil || !repeated(log.Name()) {
		return err
	}
	if err := c.Settle(ctx, d.Name); err != nil {
		return err
	}
	return c.deploy(ctx, d, log)
}

func (c CLI) deploy(ctx context.Context, d Deployment, log *os.File) error {
	template, err := c.template(d)
	if err != nil {
		return err
	}
	capabilities := d.Config.Capabilities
	if len(capabilities) == 0 {
		capabilities = []string{"CAPABILITY_IAM"}
	}
	args := []string{
		"deploy", "--template-file", template, "--stack-name", d.Name, "--region", c.Workspace.Region,
		"--no-fail-on-empty-changeset", "--no-confirm-changeset", "--no-progressbar",
	}
	if c.Bucket == "" {
		args = append(args, "--resolve-s3")
	} else {
		args = append(args, "--s3-bucket", c.Bucket)
	}
	if d.PlanOnly {
		args = append(args, "--no-execute-changeset")
	}
	args = append(args, append([]string{"--capabilities"}, capabilities...)...)
	if d.Prefix != "" {
		args = append(args, "--s3-prefix", d.Prefix)
	}
	if len(d.Tags) > 0 {
		args = append(append(args, "--tags"), Arguments(d.Tags)...)
	}
	args = append(args, c.common(d.Stack)...)
	return c.run(ctx, d.Stack.Dir, withParameters(args, d.Config.Parameters), log)
}

// template is the path of the template to deploy.
func (c CLI) template(d Deployment) (string, error) {
	if len(d.Stack.Functions) == 0 {
		return d.Stack.Template(), nil
	}
	built := c.built(d.Stack)
	if err := rewrite(filepath.Dir(built)); err != nil || d.Prefix == "" {
		return built, err
	}
	again := filepath.Join(filepath.Dir(built), "again.yaml") // next to the code, whose paths are relative
	return again, MarkVersions(built, again, d.Prefix)
}

// common passes the stack's settings. SAM would search for them next to the built
// template.
func (c CLI) common(s stacks.Stack) []string {
	args := []string{"--no-beta-features"}
	if _, err := os.Stat(s.Samconfig()); err == nil {
		args = append(args, "--config-file", s.Samconfig(), "--config-env", c.Block)
	}
	return args
}

func withParameters(args []string, parameters map[string]string) []string {
	if len(parameters) == 0 {
		return args
	}
	return append(append(args, "--parameter-overrides"), Arguments(parameters)...)
}

func (c CLI) run(ctx context.Context, dir string, args []string, log io.Writer) error {
	cmd := exec.Command(c.Workspace.Tool("python"), append([]string{"-m", "samcli"}, args...)...) //nolint:noctx // stopped as a group below
	cmd.Dir, cmd.Env = dir, c.env()
	cmd.Stdout, cmd.Stderr = log, log
	_, _ = fmt.Fprintf(log, "$ sam %s\n", strings.Join(args, " "))
	g, err := pythontools.Start(cmd)
	if err != nil {
		return fmt.Errorf("pythontools.Start: %w", err)
	}
	select {
	case <-g.Done():
	case <-ctx.Done():
		if err := g.Stop(stopGrace); err != nil {
			return err
		}
		return ctx.Err()
	}
	if err := g.Err(); err != nil {
		return fmt.Errorf("sam %s: %w", args[0], err)
	}
	return nil
}

// env is SAM's environment, without the shell's AWS settings and without telemetry.
func (c CLI) env() []string {
	env := append(goEnv(),
		"PATH="+filepath.Join(c.Workspace.Venv, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		"AWS_REGION="+c.Workspace.Region, "AWS_DEFAULT_REGION="+c.Workspace.Region,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
		"SAM_CLI_TELEMETRY=0", "__SAM_CLI_APP_DIR="+c.appDir(),
		"CI=true", "PYTHONUNBUFFERED=1",
		"COLUMNS=200", // for the tables in the log
	)
	return append(env, c.Access...)
}

func (c CLI) appDir() string { return filepath.Join(c.Workspace.Dir, "sam") }

// Prepare writes SAM's settings: no telemetry and no search for a newer version,
// because the version is pinned.
func (c CLI) Prepare(now time.Time) error {
	if err := os.MkdirAll(c.appDir(), 0o750); err != nil {
		return fmt.Errorf("os.MkdirAll: %w", err)
	}
	// SAM ignores a time without a decimal point.
	settings := fmt.Sprintf(`{"telemetryEnabled": false, "lastVersionCheck": %.1f}`, float64(now.Unix()))
	return files.Replace(filepath.Join(c.appDir(), "metadata.json"), []byte(settings))
}
