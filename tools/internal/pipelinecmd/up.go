package pipelinecmd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/internal/awsdeploy"
	"gatehouse.example/tools/internal/files"
	"gatehouse.example/tools/internal/runner"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/stacks"
)

// The names that an administrator uses.
const (
	bootstrapStack = "gatehouse-tools-pipeline"
	releaseSet     = "release"
)

// nestedURL matches the path of a nested template.
var nestedURL = regexp.MustCompile(`(?m)(\bTemplateURL:\s*)([A-Za-z0-9./-]+\.yaml)(\s*(?:$|[,}]))`)

func (f *flags) up() *cobra.Command {
	var environments []string
	cmd := &cobra.Command{
		Use: "up", Short: "Deploy the pipelines, what they need, and each environment for the first time",
		Long: `Deploys to the local system what an administrator deploys on AWS: bootstrap.yaml, then
environment.yaml for each environment, then checks.yaml and the pipelines, then the
stacks of each environment that do not exist yet. Only the pipelines change a stack that exists.`,
		Args: cobra.NoArgs,
		RunE: f.with(func(cmd *cobra.Command, s *system, _ []string) error {
			for _, e := range environments {
				if !slices.Contains(stacks.Environments, e) {
					return fmt.Errorf("unknown environment %q; use one of %s", e, strings.Join(stacks.Environments, ", "))
				}
			}
			return s.up(cmd.Context(), environments)
		}),
	}
	cmd.Flags().StringSliceVar(&environments, "environments", []string{"test", "production"}, "environments to deploy")
	return cmd
}

func (s *system) up(ctx context.Context, environments []string) error {
	unlock, err := s.lock()
	if err != nil {
		return err
	}
	defer unlock()
	shared, err := s.deploy(ctx, "bootstrap", bootstrapStack, "pipeline/bootstrap.yaml", nil)
	if err != nil {
		return err
	}
	for _, e := range environments {
		_, err := s.deploy(ctx, e, "gatehouse-"+e+"-pipeline", "pipeline/environment.yaml", map[string]string{
			"ArtifactBucket": shared["ArtifactBucket"], "ArtifactKeyArn": shared["ArtifactKeyArn"],
			"Environment": e, "ToolsAccount": shared["ToolsAccount"],
		})
		if err != nil {
			return err
		}
	}
	if err := s.deployPipelines(ctx, environments); err != nil {
		return err
	}
	for _, e := range environments {
		err := awsdeploy.First(ctx, awsdeploy.Emulator{
			Config: s.runner.Account.Config, Account: s.runner.Account.ID, Environment: e, Workspace: s.layout.Workspace, Board: s.board,
		})
		if err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	s.board.Print("\nThe pipelines are deployed. Run one: gatehouse pipeline run SERVICE [--approve]")
	return nil
}

// deployPipelines deploys the pipelines with the parameters that pipelines.yaml
// gives them on AWS.
func (s *system) deployPipelines(ctx context.Context, environments []string) error {
	names, err := services(s.layout.Root)
	if err != nil {
		return err
	}
	account := s.runner.Account.ID
	shared := map[string]string{
		"DevAccount": account, "Mode": "single", "ProductionAccount": account,
		"Repository": "gatehouse/gatehouse", "TestAccount": account,
	}
	if slices.Contains(environments, "test") && slices.Contains(environments, "production") {
		shared["Mode"] = "multi"
	}
	_, err = s.deploy(ctx, runner.Checks, runner.StackOf(runner.Checks), "pipeline/checks.yaml", map[string]string{
		"DevAccount": account, "ProductionAccount": account, "TestAccount": account,
	})
	if err != nil {
		return err
	}
	for _, name := range names {
		raw, err := os.ReadFile(filepath.Join(s.layout.Root, "pipeline", "config", name+".json"))
		if err != nil {
			return fmt.Errorf("os.ReadFile: %w", err)
		}
		var own struct{ Parameters map[string]string }
		if err := json.Unmarshal(raw, &own); err != nil {
			return fmt.Errorf("%s.json: json.Unmarshal: %w", name, err)
		}
		maps.Copy(own.Parameters, shared)
		if _, err := s.deploy(ctx, name, runner.StackOf(name), "pipeline/pipeline.yaml", own.Parameters); err != nil {
			return err
		}
	}
	_, err = s.deploy(ctx, pipelinesPipeline, runner.StackOf(pipelinesPipeline), "platform/pipelines.yaml", shared)
	return err
}

// deploy deploys a template and returns the outputs of its stack.
func (s *system) deploy(ctx context.Context, task, stack, file string, parameters map[string]string) (map[string]string, error) {
	t := s.board.Start(task, "deploying "+file)
	cf := cloudformation.NewFromConfig(s.runner.Account.Config)
	at := runner.Stack{Client: cf, Root: cf, Name: stack, SetName: releaseSet}
	outputs, executed, err := s.apply(ctx, at, file, parameters)
	switch {
	case err != nil:
		t.Fail(file + " was not deployed")
		return nil, fmt.Errorf("%s: %w", file, err)
	case executed:
		t.Done(file + " deployed")
	default:
		t.Done(file + " unchanged")
	}
	return outputs, nil
}

func (s *system) apply(ctx context.Context, at runner.Stack, file string, parameters map[string]string) (map[string]string, bool, error) {
	raw, err := os.ReadFile(filepath.Join(s.layout.Root, filepath.FromSlash(file)))
	if err != nil {
		return nil, false, fmt.Errorf("os.ReadFile: %w", err)
	}
	template, err := s.nested(ctx, at.Name, path.Dir(file), string(raw))
	if err != nil {
		return nil, false, err
	}
	c := runner.ChangeSet{Template: template, Parameters: maps.Collect(maps.All(parameters)), Capabilities: []string{"CAPABILITY_NAMED_IAM"}}
	declared, err := pipeline.Declared(template)
	if err != nil {
		return nil, false, err
	}
	runner.Override(s.layout.URL(), c.Parameters, declared)
	if _, err := at.Replace(ctx, c); err != nil {
		return nil, false, err
	}
	return at.Execute(ctx)
}

// nested uploads the nested templates and replaces their paths by URLs, as
// `sam deploy` does, which takes ten times as long.
func (s *system) nested(ctx context.Context, stack, folder, template string) (string, error) {
	var failed error
	out := nestedURL.ReplaceAllStringFunc(template, func(m string) string {
		name := nestedURL.FindStringSubmatch(m)[2]
		url, err := s.upload(ctx, stack, path.Join(folder, name))
		failed = errors.Join(failed, err)
		return strings.Replace(m, name, url, 1)
	})
	return out, failed
}

func (s *system) upload(ctx context.Context, stack, file string) (string, error) {
	bucket := "gatehouse-nested-templates-" + s.runner.Account.ID
	content, err := os.ReadFile(filepath.Join(s.layout.Root, filepath.FromSlash(file)))
	if err != nil {
		return "", fmt.Errorf("os.ReadFile: %w", err)
	}
	client := s3.NewFromConfig(s.runner.Account.Config, func(o *s3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &bucket}); err != nil && !strings.Contains(err.Error(), "BucketAlready") {
		return "", fmt.Errorf("s3.CreateBucket: %w", err)
	}
	// The URL depends on the content, so that a changed template changes the stack.
	sum := sha256.Sum256(content)
	key := stack + "/" + hex.EncodeToString(sum[:16])
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(string(content))}); err != nil {
		return "", fmt.Errorf("s3.PutObject: %w", err)
	}
	return aws.ToString(s.runner.Account.Config.BaseEndpoint) + "/" + bucket + "/" + key, nil
}

// lock prevents two runs of `gatehouse pipeline up` at the same time.
func (s *system) lock() (func(), error) {
	unlock, err := files.TryLock(filepath.Join(s.layout.Dir, "pipeline", "up.lock"))
	if errors.Is(err, files.ErrLocked) {
		return nil, errors.New("another 'gatehouse pipeline up' is running; wait until it is done")
	}
	if err != nil {
		return nil, fmt.Errorf("files.TryLock: %w", err)
	}
	return unlock, nil
}
