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

// maxSetting is how long a value of an action's configuration may be.
const maxSetting = 1000

// sourceOutputs are what a source action by a connection puts out.
func sourceOutputs() []string {
	return []string{"AuthorDate", "BranchName", "CommitId", "CommitMessage", "ConnectionArn", "FullRepositoryName"}
}

// outputs are the variables of an action, or nil where nobody can say.
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

// variableFindings: a variable that nothing puts out stays as it is written, in a
// role's name or in a parameter, and CodePipeline says so when the action runs.
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
			say("the variable %s has the default %q, which no variable may have", v.Name, v.DefaultValue)
		}
	}
	for _, s := range m.Pipeline.Stages {
		later := map[string][]string{} // what actions of the same run order put out
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
						say("%s/%s: %s uses %s, which no action before it puts out", s.Name, a.Name, key, found[0])
						continue
					}
					if a.ActionTypeID.String() != pipeline.Approval && slices.Contains([]string{"BranchName", "CommitMessage"}, parts[2]) {
						say("%s/%s: %s uses %s: whoever may push would write into it", s.Name, a.Name, key, found[0])
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
		"unknown_namespace":   {"", "#{Src.CommitId}", "#{Source.CommitId}", "which no action before it puts out"},
		"unknown_output":      {"", "#{Src.CommitId}", "#{Src.Commit}", "which no action before it puts out"},
		"unknown_variable":    {"", "#{variables.ROLLOUT}", "#{variables.ROLL_OUT}", "which no action before it puts out"},
		"misspelt":            {"", "#{Src.CommitId}", "#{Src CommitId}", "which no action before it puts out"},
		"not_exported":        {"", "(#{Src.AuthorDate})", "(#{Bld.SECRET})", "which no action before it puts out"},
		"later_action":        {"", `"value":"#{Src.CommitId}"`, `"value":"#{Bld.VERSION}"`, "which no action before it puts out"},
		"message_in_a_build":  {"", `"value":"#{Src.CommitId}"`, `"value":"#{Src.CommitMessage}"`, "whoever may push"},
		"artifacts_name":      {"", "Namespace: Bld", "Namespace: Built", "Built"},
		"later_artifact":      {"", "Namespace: Src", "Namespace: Built", "Built"},
		"default_with_a_dot":  {"", "DefaultValue: Canary10Percent5Minutes", "DefaultValue: Canary.10", "which no variable may have"},
		"variable_not_there":  {"", "      Variables:\n        - {Name: ROLLOUT", "      Variables:\n        - {Name: SPEED", "#{variables.ROLLOUT}"},
		"setting_of_1001":     {"", "Approved, it goes to production by", "Approved, it goes to production by " + strings.Repeat("x", maxSetting), "more than 1000"},
		"namespace_twice":     {"", "Namespace: Bld", "Namespace: Src", "Src"},
		"pipelines_namespace": {pipelinePipeline, "Commit #{Src.CommitId}", "Commit #{Bld.CommitId}", "which no action before it puts out"},
	})
}
