package runner

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"

	"gatehouse.example/tools/internal/runner/access"
	"gatehouse.example/tools/internal/runner/source"
)

// pipelineRole is the pipeline's role, as CodePipeline takes it.
func (e *execution) pipelineRole(ctx context.Context) (aws.Config, error) {
	arn := fmt.Sprintf("arn:aws:codepipeline:%s:%s:%s", e.Account.Config.Region, e.Account.ID, e.Pipeline)
	return e.Account.AsService(ctx, access.CodePipeline, arn, e.definition.Pipeline.RoleArn)
}

// source takes the clone on this machine for the connection's repository.
func (c call) source(ctx context.Context) (outcome, error) {
	if format := c.settings["OutputArtifactFormat"]; format != "CODE_ZIP" {
		return outcome{}, fmt.Errorf("OutputArtifactFormat %q is not known here; it is CODE_ZIP", format)
	}
	as, err := c.pipelineRole(ctx)
	if err != nil {
		return outcome{}, err
	}
	use := access.Request{
		Role: c.definition.Pipeline.RoleArn, Resource: c.settings["ConnectionArn"], Actions: []string{"codeconnections:UseConnection"},
		Context: map[string]string{"codeconnections:FullRepositoryId": c.settings["FullRepositoryId"]},
	}
	if err := c.Account.May(ctx, use); err != nil {
		return outcome{}, err
	}
	var revision source.Revision
	if c.options.Commit != "" {
		revision, err = c.repository().Commit(ctx, c.options.Commit)
	} else {
		revision, err = c.repository().WorkingTree(ctx)
	}
	if err != nil {
		return outcome{}, err
	}
	c.Source = revision.Note
	name := c.OutputArtifacts[0].Name
	key, err := c.store.Put(ctx, as, name, revision.Zip)
	if err != nil {
		return outcome{}, err
	}
	out := revision.Outputs
	out["BranchName"], out["ConnectionArn"], out["FullRepositoryName"] = c.settings["BranchName"], c.settings["ConnectionArn"], c.settings["FullRepositoryId"]
	return outcome{
		note: revision.Note, outputs: out, artifacts: map[string]string{name: key},
		simulated: []string{fmt.Sprintf("%s is this machine's %s, not what the connection would fetch", c.settings["FullRepositoryId"], c.options.Source)},
	}, nil
}

// inputs fetches the input artifacts with somebody's rights.
func (c call) inputs(ctx context.Context, as aws.Config) (map[string][]byte, error) {
	in := map[string][]byte{}
	for _, a := range c.InputArtifacts {
		key, ok := c.Artifacts[a.Name]
		if !ok {
			return nil, fmt.Errorf("the artifact %s was not made", a.Name)
		}
		zip, err := c.store.Get(ctx, as, key)
		if err != nil {
			return nil, err
		}
		in[a.Name] = zip
	}
	return in, nil
}
