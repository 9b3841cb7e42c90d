package pipelinecmd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/internal/awsdeploy"
	"gatehouse.example/tools/internal/runner"
	"gatehouse.example/tools/internal/runner/change"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/sam"
)

// Names of what an administrator deploys.
const (
	bootstrapStack = "gatehouse-tools-pipeline"
	releaseSet     = "release"
)

func (f *flags) up() *cobra.Command {
	var environments []string
	cmd := &cobra.Command{
		Use: "up", Short: "Deploy what the pipelines need, the pipelines, and each environment for the first time",
		Long: `Does in the local system what an administrator does on AWS: bootstrap.yaml, then
environment.yaml for each environment, then the pipelines, then the stacks of each
environment that are not there yet. What is there already belongs to the pipelines.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := f.open(cmd.Context())
			if err != nil {
				return err
			}
			defer s.board.Close()
			for _, e := range environments {
				if !slices.Contains(awsdeploy.Environments(), e) {
					return fmt.Errorf("no environment %q; the environments are %s", e, strings.Join(awsdeploy.Environments(), ", "))
				}
			}
			return s.up(cmd.Context(), environments)
		},
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
		if err := s.first(ctx, e); err != nil {
			return fmt.Errorf("%s: %w", e, err)
		}
	}
	s.board.Print("\nThe pipelines are up: gatehouse pipeline run SERVICE [--approve]")
	return nil
}

// deployPipelines gives the parameters that pipelines.yaml hands on, and those of
// a service's own file, to the same template as it does.
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
	_, err = s.deploy(ctx, itself, runner.StackOf(itself), "platform/pipelines.yaml", shared)
	return err
}

// deploy deploys one template of the repository, as an
// administrator does, and returns the stack's outputs.
func (s *system) deploy(ctx context.Context, task, stack, file string, parameters map[string]string) (map[string]string, error) {
	t := s.board.Start(task, "deploying "+file)
	cf := cloudformation.NewFromConfig(s.runner.Account.Config)
	at := change.Stack{CF: cf, Root: cf, Name: stack, Set: releaseSet}
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

func (s *system) apply(ctx context.Context, at change.Stack, file string, parameters map[string]string) (map[string]string, bool, error) {
	raw, err := os.ReadFile(filepath.Join(s.layout.Root, filepath.FromSlash(file)))
	if err != nil {
		return nil, false, fmt.Errorf("os.ReadFile: %w", err)
	}
	template, err := s.nested(ctx, at.Name, path.Dir(file), string(raw))
	if err != nil {
		return nil, false, err
	}
	p := change.Plan{Template: template, Parameters: maps.Clone(parameters), Capabilities: []string{"CAPABILITY_NAMED_IAM"}}
	if p.Parameters == nil {
		p.Parameters = map[string]string{}
	}
	declared, err := pipeline.Declared(template)
	if err != nil {
		return nil, false, err
	}
	for name, value := range sam.EmulatorParameters(s.layout.URL(), parameters["Environment"]) {
		if slices.Contains(declared, name) {
			p.Parameters[name] = value
		}
	}
	if _, err := at.Replace(ctx, p); err != nil {
		return nil, false, err
	}
	return at.Execute(ctx)
}

// nested uploads the templates that one nests, as `sam deploy` does for an
// administrator, and names them by their addresses. SAM would take ten times as
// long for it.
func (s *system) nested(ctx context.Context, stack, folder, template string) (string, error) {
	var failed error
	out := nestedURL().ReplaceAllStringFunc(template, func(m string) string {
		name := nestedURL().FindStringSubmatch(m)[2]
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
	// By its content: a changed template has another address, and so changes the stack.
	key := stack + "/" + digest(content)
	if _, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: strings.NewReader(string(content))}); err != nil {
		return "", fmt.Errorf("s3.PutObject: %w", err)
	}
	return aws.ToString(s.runner.Account.Config.BaseEndpoint) + "/" + bucket + "/" + key, nil
}

// first deploys what an environment lacks, as on AWS.
func (s *system) first(ctx context.Context, environment string) error {
	return awsdeploy.First(ctx, awsdeploy.Emulator{
		Config: s.runner.Account.Config, Account: s.runner.Account.ID, Environment: environment,
		Workspace: s.layout.Workspace, Board: s.board,
	})
}
