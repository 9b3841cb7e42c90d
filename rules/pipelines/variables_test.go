package pipelines

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/tools/pipeline"
)

// maxSetting is the maximum length of a value in an action's configuration.
const maxSetting = 1000

// sourceOutputs returns the output variables of a source action with a connection.
func sourceOutputs() []string {
	return []string{"AuthorDate", "BranchName", "CommitId", "CommitMessage", "ConnectionArn", "FullRepositoryName"}
}

// outputs returns the output variables of an action, or nil if they are unknown.
func (m pipelineModel) outputs(a pipeline.Action) ([]string, error) {
	switch a.ActionTypeID.String() {
	case pipeline.Source:
		return sourceOutputs(), nil
	case pipeline.Build, pipeline.Test:
		spec, err := m.buildspec(a)
		return spec.Env.Exported, err
	}
	return nil, nil
}

// variableFindings: every variable is the output of an earlier action. CodePipeline
// would report an unknown one only when the action runs.
func variableFindings(m pipelineModel) []string {
	use := regexp.MustCompile(`#\{([^}]*)\}`)
	named := regexp.MustCompile(`^([A-Za-z0-9@_-]+)\.([A-Za-z0-9@_.-]+)$`)
	known := map[string][]string{"codepipeline": {"PipelineExecutionId"}}
	artifacts := map[string]bool{}
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, v := range m.Pipeline.Variables {
		known["variables"] = append(known["variables"], v.Name)
		if !regexp.MustCompile(`^[A-Za-z0-9@_-]{1,1000}$`).MatchString(v.DefaultValue) {
			say("the variable %s has the default %q, which is not allowed", v.Name, v.DefaultValue)
		}
	}
	for _, s := range m.Pipeline.Stages {
		later := map[string][]string{} // the outputs of actions with the same run order
		order := 0
		for _, a := range s.Actions {
			if a.RunOrder != order {
				maps.Copy(known, later)
				order = a.RunOrder
			}
			for _, key := range slices.Sorted(maps.Keys(a.Configuration)) {
				value := a.Configuration[key]
				if len(value) > maxSetting {
					say("%s/%s: %s has %d characters, more than %d", s.Name, a.Name, key, len(value), maxSetting)
				}
				for _, found := range use.FindAllStringSubmatch(value, -1) {
					parts := named.FindStringSubmatch(found[1])
					if parts == nil || !slices.Contains(known[parts[1]], parts[2]) {
						say("%s/%s: %s uses %s, which no action before it outputs", s.Name, a.Name, key, found[0])
						continue
					}
					if a.ActionTypeID.String() != pipeline.Approval && slices.Contains([]string{"BranchName", "CommitMessage"}, parts[2]) {
						say("%s/%s: %s uses %s, which everyone who may push can choose", s.Name, a.Name, key, found[0])
					}
				}
			}
			for _, artifact := range a.OutputArtifacts {
				artifacts[artifact.Name] = true
			}
			if a.Namespace != "" {
				variables, err := m.outputs(a)
				if err != nil {
					say("%s/%s: %v", s.Name, a.Name, err)
				}
				later[a.Namespace] = variables
			}
		}
		maps.Copy(known, later)
	}
	for namespace := range known {
		if artifacts[namespace] {
			say("the namespace %s has the name of an artifact", namespace)
		}
	}
	return out
}

func TestPipelineVariablesPlanted(t *testing.T) {
	t.Parallel()
	plantPipelines(t, map[string]plantedPipeline{
		"unknown_namespace":   {"", "#{Src.CommitId}", "#{Source.CommitId}", "which no action before it outputs"},
		"unknown_output":      {"", "#{Src.CommitId}", "#{Src.Commit}", "which no action before it outputs"},
		"unknown_variable":    {"", "#{variables.ROLLOUT}", "#{variables.ROLL_OUT}", "which no action before it outputs"},
		"misspelt":            {"", "#{Src.CommitId}", "#{Src CommitId}", "which no action before it outputs"},
		"not_exported":        {"", "(#{Src.AuthorDate})", "(#{Bld.SECRET})", "which no action before it outputs"},
		"later_action":        {"", `"value":"#{Src.CommitId}"`, `"value":"#{Bld.VERSION}"`, "which no action before it outputs"},
		"message_in_a_build":  {"", `"value":"#{Src.CommitId}"`, `"value":"#{Src.CommitMessage}"`, "everyone who may push"},
		"artifacts_name":      {"", "Namespace: Bld", "Namespace: Built", "Built"},
		"later_artifact":      {"", "Namespace: Src", "Namespace: Built", "Built"},
		"default_with_a_dot":  {"", "DefaultValue: Canary10Percent5Minutes", "DefaultValue: Canary.10", "which is not allowed"},
		"variable_not_there":  {"", "      Variables:\n        - {Name: ROLLOUT", "      Variables:\n        - {Name: SPEED", "#{variables.ROLLOUT}"},
		"setting_of_1001":     {"", "Approved, it goes to production by", "Approved, it goes to production by " + strings.Repeat("x", maxSetting), "more than 1000"},
		"namespace_twice":     {"", "Namespace: Bld", "Namespace: Src", "Src"},
		"pipelines_namespace": {pipelinePipeline, "Commit #{Src.CommitId}", "Commit #{Bld.CommitId}", "which no action before it outputs"},
	})
}
