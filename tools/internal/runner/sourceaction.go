package runner

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
)

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
