package sam

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"gatehouse.example/platform/local/gobuild"
	"gatehouse.example/platform/local/layout"
	"gatehouse.example/platform/local/procs"
	"gatehouse.example/platform/local/stacks"
)

// stopGrace is how long an interrupted command may take to end.
const stopGrace = 5 * time.Second

// CLI runs SAM for one environment.
type CLI struct {
	Layout layout.Layout
	// Bucket takes the functions' code; it exists.
	Bucket string
}

// Build compiles a stack's functions and writes the built template.
func (c CLI) Build(ctx context.Context, s stacks.Stack, parameters map[string]string, log io.Writer) error {
	args := []string{
		"build", "--template-file", s.Template(), "--build-dir", c.Layout.BuildDir(s.Name),
		"--no-cached", "--parallel",
	}
	args = append(args, c.common(s)...)
	return c.run(ctx, s.Dir, withParameters(args, parameters), log)
}

// Deploy brings the built stack to the endpoint. A prefix puts the code under
// another key, and so makes CloudFormation deploy it again even if it believes
// that it is there.
func (c CLI) Deploy(ctx context.Context, s stacks.Stack, cfg Config, name, prefix string, log io.Writer) error {
	template := s.Template()
	if len(s.Functions) > 0 {
		template = filepath.Join(c.Layout.BuildDir(s.Name), "template.yaml")
	}
	capabilities := cfg.Capabilities
	if len(capabilities) == 0 {
		capabilities = []string{"CAPABILITY_IAM"}
	}
	args := []string{
		"deploy", "--template-file", template, "--stack-name", name, "--region", c.Layout.Region,
		"--s3-bucket", c.Bucket, "--no-fail-on-empty-changeset", "--no-confirm-changeset", "--no-progressbar",
	}
	args = append(args, append([]string{"--capabilities"}, capabilities...)...)
	if prefix != "" {
		args = append(args, "--s3-prefix", prefix)
	}
	args = append(args, c.common(s)...)
	return c.run(ctx, s.Dir, withParameters(args, cfg.Parameters), log)
}

// common passes the stack's own settings on; SAM would look for them beside
// the built template.
func (c CLI) common(s stacks.Stack) []string {
	args := []string{"--no-beta-features"}
	if _, err := os.Stat(s.Samconfig()); err == nil {
		args = append(args, "--config-file", s.Samconfig(), "--config-env", configEnv)
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
	cmd := exec.Command(c.Layout.Tool("python"), append([]string{"-m", "samcli"}, args...)...) //nolint:noctx // stopped as a group below
	cmd.Dir, cmd.Env = dir, c.env()
	cmd.Stdout, cmd.Stderr = log, log
	_, _ = fmt.Fprintf(log, "$ sam %s\n", bytes.Join(toBytes(args), []byte(" ")))
	g, err := procs.Start(cmd)
	if err != nil {
		return fmt.Errorf("procs.Start: %w", err)
	}
	select {
	case <-g.Done():
	case <-ctx.Done():
		if err := g.Stop(stopGrace); err != nil {
			return fmt.Errorf("procs.Group.Stop: %w", err)
		}
		return ctx.Err()
	}
	if err := g.Err(); err != nil {
		return fmt.Errorf("sam %s: %w", args[0], err)
	}
	return nil
}

func toBytes(texts []string) [][]byte {
	out := make([][]byte, len(texts))
	for i, t := range texts {
		out[i] = []byte(t)
	}
	return out
}

// env keeps the person's AWS profile, and SAM's questions home, out of it.
func (c CLI) env() []string {
	return append(gobuild.Env(),
		"PATH="+filepath.Join(c.Layout.Venv, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"),
		"AWS_ENDPOINT_URL="+c.Layout.URL(),
		"AWS_REGION="+c.Layout.Region, "AWS_DEFAULT_REGION="+c.Layout.Region,
		"AWS_ACCESS_KEY_ID="+layout.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+layout.SecretAccessKey,
		"AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull,
		"AWS_EC2_METADATA_DISABLED=true",
		"NO_PROXY="+noProxy("NO_PROXY"), "no_proxy="+noProxy("no_proxy"),
		"SAM_CLI_TELEMETRY=0", "SAM_CLI_POLL_DELAY=1", "__SAM_CLI_APP_DIR="+c.appDir(),
		"CI=true", "PYTHONUNBUFFERED=1",
		"COLUMNS=200", // of the tables in the log
	)
}

// noProxy keeps a proxy of the shell away from the local endpoint.
func noProxy(name string) string {
	if have := os.Getenv(name); have != "" {
		return have + "," + layout.Host
	}
	return layout.Host
}
