package pipelines

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/tools/pipeline"
)

// wantedStages returns a pipeline's stages in order. A < marks a stage that rolls back
// on failure.
func wantedStages(m pipelineModel) []string {
	switch {
	case m.service == "" && m.mode == "single":
		return []string{"Source", "Pipelines<"}
	case m.service == "":
		return []string{"Source", "Approval", "Pipelines<"}
	case m.mode == "single":
		return []string{"Source", "Build", "Dev<"}
	}
	return []string{"Source", "Build", "Test<", "Integration", "Approval", "Checksums", "Production<"}
}

// stageFindings: nothing is deployed to production without approval and tests, every
// deployment is checked, and a failed one is rolled back.
func stageFindings(m pipelineModel) []string {
	var out, got []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	approved := false
	for i, s := range m.Pipeline.Stages {
		name := s.Name
		deploys := slices.ContainsFunc(s.Actions, func(a pipeline.Action) bool { return a.ActionTypeID.String() == pipeline.CloudFormation })
		approves := slices.ContainsFunc(s.Actions, func(a pipeline.Action) bool { return a.ActionTypeID.String() == pipeline.Approval })
		if s.OnFailure.Result == "ROLLBACK" {
			name += "<"
		}
		got = append(got, name)
		if deploys != strings.HasSuffix(name, "<") {
			say("stage %s: only stages that deploy, and all of them, must roll back on failure", s.Name)
		}
		if approves && len(s.Actions) != 1 {
			say("stage %s: an approval needs a stage of its own, or a rollback would ask for it again", s.Name)
		}
		if deploys && !approved && (s.Name == "Production" || m.service == "" && m.mode == "multi") {
			say("stage %s: no approval before it", s.Name)
		}
		approved = approves || approved && s.Name == "Checksums"
		last := s.Actions[len(s.Actions)-1]
		if m.service != "" && (s.Name == "Dev" || s.Name == "Production") && !strings.Contains(last.Configuration["EnvironmentVariables"], `{"name":"CHECK","value":"canary"}`) {
			say("stage %s: the last action is not a canary", s.Name)
		}
		if m.service != "" && s.Name == "Test" && (i+1 == len(m.Pipeline.Stages) || !strings.Contains(m.Pipeline.Stages[i+1].Actions[0].Configuration["EnvironmentVariables"], `{"name":"CHECK","value":"integration"}`)) {
			say("no integration test after stage Test")
		}
		for _, a := range s.Actions {
			if t := a.TimeoutInMinutes; t != 0 && (t < 5 || t > 86400) {
				say("%s: TimeoutInMinutes is %d, want 5 to 86400", a.Name, t)
			}
			if a.ActionTypeID.String() == pipeline.Approval && (a.TimeoutInMinutes == 0 || a.Configuration["CustomData"] == "" || a.Configuration["ExternalEntityLink"] == "") {
				say("%s: an approval needs a description, a link to the change, and a timeout", a.Name)
			}
		}
	}
	if want := wantedStages(m); !slices.Equal(got, want) {
		say("the stages are %v, want %v", got, want)
	}
	return out
}

func TestPipelineStagesPlanted(t *testing.T) {
	t.Parallel()
	const production = "            - Name: Production\n              OnFailure: {Result: ROLLBACK}\n"
	plantPipelines(t, map[string]plantedPipeline{
		"no_rollback":          {"", production, "            - Name: Production\n", "must roll back on failure"},
		"rollback_of_dev":      {"", "            - Name: Dev\n              OnFailure: {Result: ROLLBACK}\n", "            - Name: Dev\n", "must roll back on failure"},
		"retry":                {"", production, strings.Replace(production, "ROLLBACK", "RETRY", 1), "RETRY"},
		"bogus_result":         {"", production, strings.Replace(production, "ROLLBACK", "UNDO", 1), "UNDO"},
		"bogus_condition":      {"", production, production + "              BeforeEntry: {Conditions: [{Result: STOP}]}\n", "BeforeEntry"},
		"misspelt_rule":        {"", production, production + "              BeforeEntry: {Conditions: [{Result: FAIL, Rules: [{Name: W, RuleTypeId: {Category: Rule, Owner: AWS, Provider: DeployWindow, Version: '1'}}]}]}\n", "BeforeEntry"},
		"rollback_of_tests":    {"", "            - Name: Integration\n", "            - Name: Integration\n              OnFailure: {Result: ROLLBACK}\n", "must roll back on failure"},
		"approval_too_early":   {"", "        - Fn::If:\n            - Multi\n            - Name: Production", "        - {Name: More, Actions: [{Name: More, ActionTypeId: {Category: Test, Owner: AWS, Provider: CodeBuild, Version: '1'}, Configuration: {ProjectName: gatehouse-checks-unapproved}, InputArtifacts: [{Name: SourceZip}]}]}\n        - Fn::If:\n            - Multi\n            - Name: Production", "no approval before it"},
		"checksums_too_late":   {"", "- Name: Checksums\n              Actions", "- Name: Compare\n              Actions", "no approval before it"},
		"approval_of_others":   {"", "ActionTypeId: {Category: Approval, Owner: AWS, Provider: Manual, Version: '1'}", "ActionTypeId: {Category: Approval, Owner: Custom, Provider: Manual, Version: '1'}", "not supported"},
		"approval_elsewhere":   {"", "- Name: Approval\n", "- Name: Asking\n", "want [Source Build"},
		"no_timeout":           {"", "                  TimeoutInMinutes: 4320\n", "", "and a timeout"},
		"timeout_too_long":     {"", "TimeoutInMinutes: 4320", "TimeoutInMinutes: 90000", "want 5 to 86400"},
		"timeout_of_a_deploy":  {"", "                - Name: Execute\n", "                - Name: Execute\n                  TimeoutInMinutes: 60\n", "TimeoutInMinutes"},
		"no_canary":            {"", `{"name":"ENVIRONMENT","value":"production"},{"name":"CHECK","value":"canary"}`, `{"name":"ENVIRONMENT","value":"production"},{"name":"CHECK","value":"integration"}`, "not a canary"},
		"canary_in_between":    {"", "                - Name: Canary\n                  RunOrder: 3", "                - Name: Canary\n                  RunOrder: 1", "not a canary"},
		"no_integration":       {"", `{"name":"CHECK","value":"integration"}`, `{"name":"CHECK","value":"canary"}`, "no integration test"},
		"modes_swapped":        {"", "Multi: !Equals [!Ref Mode, multi]", "Multi: !Equals [!Ref Mode, single]", "the stages are"},
		"pipelines_unapproved": {pipelinePipeline, "            - Name: Approval\n", "            - Name: Pause\n", "want [Source Approval"},
		"pipelines_stay":       {pipelinePipeline, "          OnFailure: {Result: ROLLBACK}\n", "", "must roll back on failure"},
	})
}
