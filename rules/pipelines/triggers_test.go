package pipelines

import (
	"fmt"
	"testing"
)

// maxPatterns is CodePipeline's limit for each list of patterns, and maxFilters the
// limit for the filters of one trigger.
const (
	maxPatterns = 8
	maxFilters  = 3
)

// triggerFindings: errors in a trigger that CodePipeline reports only in a deployment,
// or that it accepts although the trigger never starts.
func triggerFindings(m pipelineModel) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	p := m.Pipeline
	if len(p.Triggers) != 1 {
		say("%d triggers, want one; without it every push to the repository would start the pipeline", len(p.Triggers))
	}
	sources := map[string]bool{}
	for _, a := range p.Stages[0].Actions {
		sources[a.Name] = a.ActionTypeID.Provider == "CodeStarSourceConnection"
		if a.Configuration["DetectChanges"] != "false" {
			say("%s: DetectChanges is %q, so that each push would start the pipeline whatever it changes", a.Name, a.Configuration["DetectChanges"])
		}
	}
	for _, t := range p.Triggers {
		git := t.GitConfiguration
		if !sources[git.SourceActionName] {
			say("the trigger's SourceActionName %q is not a source action with a connection", git.SourceActionName)
		}
		if t.ProviderType != "CodeStarSourceConnection" {
			say("the trigger's ProviderType %q does not exist", t.ProviderType)
		}
		if n := len(git.Push); n < 1 || n > maxFilters {
			say("%d push filters, want 1 to %d", n, maxFilters)
		}
		for _, push := range git.Push {
			if len(push.FilePaths.Includes) == 0 {
				say("a filter without FilePaths: every push would start the pipeline")
			}
			if len(push.Branches.Includes) == 0 {
				say("FilePaths without Branches; CodePipeline supports tags, branches, or branches and file paths")
			}
			for _, patterns := range [][]string{push.FilePaths.Includes, push.FilePaths.Excludes, push.Branches.Includes, push.Branches.Excludes} {
				if len(patterns) > maxPatterns {
					say("%d patterns in one list, more than %d", len(patterns), maxPatterns)
				}
			}
		}
	}
	return out
}

func TestPipelineTriggersPlanted(t *testing.T) {
	t.Parallel()
	const config = "pipeline/config/signup-guard.json"
	plantPipelines(t, map[string]plantedPipeline{
		"nine_patterns":        {config, `"FilePaths": "`, `"FilePaths": "a,b,c,`, "more than 8"},
		"no_patterns":          {config, `"FilePaths": "`, `"FilePaths": "", "X": "`, "without FilePaths"},
		"nine_exclusions":      {"", "Excludes: [", "Excludes: [a, b, c, d, e, f, g, ", "more than 8"},
		"no_branches":          {"", "              - Branches: {Includes: [!Ref Branch]}\n", "              - Branches: {}\n", "FilePaths without Branches"},
		"tags_and_branches":    {"", "- Branches: {Includes: [!Ref Branch]}", "- Branches: {Includes: [!Ref Branch]}\n                Tags: {Includes: [v1]}", "Tags"},
		"unknown_source":       {"", "SourceActionName: Source", "SourceActionName: Sources", "is not a source action"},
		"provider":             {"", "ProviderType: CodeStarSourceConnection", "ProviderType: CodeConnections", "does not exist"},
		"version_1":            {"", "PipelineType: V2", "PipelineType: V1", "V1"},
		"version_left_out":     {"", "      PipelineType: V2\n", "", "PipelineType"},
		"parallel":             {"", "ExecutionMode: QUEUED", "ExecutionMode: PARALLEL", "PARALLEL"},
		"superseded":           {"", "ExecutionMode: QUEUED", "ExecutionMode: SUPERSEDED", "SUPERSEDED"},
		"detects_changes":      {"", ", DetectChanges: 'false'}", "}", "DetectChanges"},
		"no_trigger":           {"", "      Triggers:\n", "      Tags:\n", "not supported"},
		"restarts":             {"", "PipelineType: V2", "PipelineType: V2\n      RestartExecutionOnUpdate: true", "RestartExecutionOnUpdate"},
		"pipelines_every_push": {pipelinePipeline, "FilePaths: {Includes: [pipeline/pipeline.yaml, pipeline/config/**]}", "FilePaths: {Includes: []}", "without FilePaths"},
	})
}
