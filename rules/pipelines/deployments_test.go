package pipelines

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/tools/pipeline"
)

// environmentAccounts returns the account of each environment in these tests: three
// different ones, so that a role of the wrong account is found.
func environmentAccounts() map[string]string {
	return map[string]string{"dev": "222222222222", "test": "333333333333", "production": "444444444444"}
}

// deploymentFindings: every action of a stage is about one environment, its account
// and its roles, and executes the change set that an earlier action created.
func deploymentFindings(m pipelineModel) []string {
	var out, stacks []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	for _, s := range m.Pipeline.Stages {
		made := map[string]pipeline.Action{} // by stack
		for _, a := range s.Actions {
			if a.ActionTypeID.String() != pipeline.CloudFormation {
				continue
			}
			c := a.Configuration
			want := m.wantedDeployment(s.Name, c["StackName"])
			switch c["ActionMode"] {
			case "CHANGE_SET_REPLACE":
				made[c["StackName"]] = a
				stacks = append(stacks, c["StackName"])
				want["TemplatePath"] = m.templatePath(s.Name)
			case "CHANGE_SET_EXECUTE":
				before, ok := made[c["StackName"]]
				if !ok || before.Configuration["ChangeSetName"] != c["ChangeSetName"] || before.RunOrder >= a.RunOrder {
					say("%s/%s: executes a change set that no action before it creates", s.Name, a.Name)
				}
				want = map[string]string{"StackName": want["StackName"]}
			default:
				say("%s/%s: ActionMode %q does not show a change before it happens", s.Name, a.Name, c["ActionMode"])
			}
			for key, value := range want {
				if c[key] != value {
					say("%s/%s: %s is %q, want %q", s.Name, a.Name, key, c[key], value)
				}
			}
			if role := m.deployRole(s.Name); a.RoleArn != role {
				say("%s/%s: RoleArn is %q, want %q", s.Name, a.Name, a.RoleArn, role)
			}
		}
		for stack := range made {
			if !slices.ContainsFunc(s.Actions, func(a pipeline.Action) bool {
				return a.Configuration["ActionMode"] == "CHANGE_SET_EXECUTE" && a.Configuration["StackName"] == stack
			}) {
				say("%s: the change set of %s is never executed", s.Name, stack)
			}
		}
	}
	if m.service != "" {
		return out
	}
	services, err := pipelineServices()
	if err != nil {
		return append(out, err.Error())
	}
	for i, service := range services {
		services[i] = "gatehouse-tools-" + service
	}
	slices.Sort(stacks)
	if !slices.Equal(stacks, services) {
		say("changes the stacks %v, want %v without its own", stacks, services)
	}
	return out
}

func (m pipelineModel) templatePath(stage string) string {
	if m.service == "" {
		return "SourceZip::" + servicePipeline
	}
	return deployedArtifact(stage) + "::packaged.yaml"
}

// deployedArtifact returns the artifact that a stage deploys. Production gets what the
// stage Checksums has compared.
func deployedArtifact(stage string) string {
	if stage == "Production" {
		return "Approved"
	}
	return "Built"
}

// wantedDeployment returns the configuration of the action that creates a stage's change set.
func (m pipelineModel) wantedDeployment(stage, stack string) map[string]string {
	if m.service == "" {
		service := strings.TrimPrefix(stack, "gatehouse-tools-")
		return map[string]string{
			"StackName": stack, "TemplateConfiguration": "SourceZip::pipeline/config/" + service + ".json", "Capabilities": "CAPABILITY_NAMED_IAM",
			"RoleArn": "arn:aws:iam::" + toolsAccount + ":role/gatehouse/tools/pipelines/gatehouse-tools-pipelines-cloudformation",
		}
	}
	environment := strings.ToLower(stage)
	return map[string]string{
		"StackName":             "gatehouse-" + environment + "-" + m.service,
		"TemplateConfiguration": deployedArtifact(stage) + "::config/" + environment + ".json",
		"Capabilities":          "CAPABILITY_IAM,CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND",
		"RoleArn":               m.roleOf(environment, m.service+"-cloudformation"),
	}
}

// deployRole returns an empty string for the pipelines' pipeline, which uses its own role.
func (m pipelineModel) deployRole(stage string) string {
	if m.service == "" {
		return ""
	}
	return m.roleOf(strings.ToLower(stage), m.service+"-deploy")
}

func (m pipelineModel) roleOf(environment, name string) string {
	return fmt.Sprintf("arn:aws:iam::%s:role/gatehouse/%s/pipeline/gatehouse-%[2]s-%s", environmentAccounts()[environment], environment, name)
}

// actionVariables returns the environment variables that an action sets for its build.
func actionVariables(a pipeline.Action) (map[string]string, error) {
	var list []struct{ Name, Value, Type string }
	out := map[string]string{}
	if text := a.Configuration["EnvironmentVariables"]; text != "" {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return nil, fmt.Errorf("EnvironmentVariables: %w", err)
		}
	}
	for _, v := range list {
		out[v.Name] = v.Value
	}
	return out, nil
}

// environmentFindings: a check uses the environment of the stage before, with the
// canary role of that environment.
func environmentFindings(m pipelineModel) []string {
	var out []string
	for _, s := range m.Pipeline.Stages {
		environment := strings.ToLower(s.Name)
		if s.Name == "Integration" {
			environment = "test"
		}
		for _, a := range s.Actions {
			if a.ActionTypeID.String() != pipeline.Test {
				continue
			}
			got, err := actionVariables(a)
			if err != nil {
				out = append(out, a.Name+": "+err.Error())
			}
			for name, want := range map[string]string{"ENVIRONMENT": environment, "CANARY_ROLE_ARN": m.roleOf(environment, "canary"), "SERVICE": m.service} {
				if got[name] != want {
					out = append(out, fmt.Sprintf("%s/%s: %s is %q, want %q", s.Name, a.Name, name, got[name], want))
				}
			}
		}
	}
	return out
}

func TestPipelineDeploymentsPlanted(t *testing.T) {
	t.Parallel()
	const executed = "CHANGE_SET_EXECUTE, StackName: !Sub 'gatehouse-production-${Service}', ChangeSetName: release"
	plantPipelines(t, map[string]plantedPipeline{
		"others_account":         {"", "RoleArn: !Sub arn:${AWS::Partition}:iam::${ProductionAccount}:role/gatehouse/production", "RoleArn: !Sub arn:${AWS::Partition}:iam::${TestAccount}:role/gatehouse/production", "RoleArn is"},
		"others_role":            {"", "gatehouse-production-${Service}-cloudformation", "gatehouse-test-${Service}-cloudformation", "RoleArn is"},
		"wider_role":             {"", "gatehouse-production-${Service}-cloudformation", "gatehouse-production-api-cloudformation", "RoleArn is"},
		"others_stack":           {"", "StackName: !Sub gatehouse-production-${Service}", "StackName: !Sub gatehouse-test-${Service}", "StackName is"},
		"others_configuration":   {"", "Approved::config/production.json", "Approved::config/test.json", "TemplateConfiguration is"},
		"unchecked_template":     {"", "TemplatePath: Approved::packaged.yaml", "TemplatePath: Built::packaged.yaml", "which is not one of its inputs [Approved]"},
		"unchecked_settings":     {"", "Approved::config/production.json", "Built::config/production.json", "which is not one of its inputs [Approved]"},
		"tested_unbuilt":         {"", "Built::config/test.json", "Approved::config/test.json", "which is not one of its inputs [Built]"},
		"test_of_another":        {"", `{"name":"SERVICE","value":"${Service}"},{"name":"ENVIRONMENT"`, `{"name":"SERVICE","value":"api"},{"name":"ENVIRONMENT"`, "SERVICE is"},
		"no_capability":          {"", "CAPABILITY_IAM,CAPABILITY_NAMED_IAM,CAPABILITY_AUTO_EXPAND", "CAPABILITY_IAM", "Capabilities is"},
		"another_change_set":     {"", executed, strings.Replace(executed, "release", "released", 1), "no action before it creates"},
		"another_stack":          {"", executed, strings.Replace(executed, "production", "test", 1), "no action before it creates"},
		"executed_too_early":     {"", "                - Name: Execute\n                  RunOrder: 2", "                - Name: Execute\n                  RunOrder: 1", "no action before it creates"},
		"no_change_set":          {"", "ActionMode: CHANGE_SET_REPLACE", "ActionMode: CREATE_UPDATE", "does not show a change"},
		"replaces_on_failure":    {"", "ActionMode: CHANGE_SET_REPLACE", "ActionMode: REPLACE_ON_FAILURE", "does not show a change"},
		"test_as_another":        {"", "role/gatehouse/test/pipeline/gatehouse-test-canary\"", "role/gatehouse/test/pipeline/gatehouse-test-api-deploy\"", "CANARY_ROLE_ARN is"},
		"test_elsewhere":         {"", `{"name":"ENVIRONMENT","value":"test"}`, `{"name":"ENVIRONMENT","value":"production"}`, "ENVIRONMENT is"},
		"no_json":                {"", `{"name":"ENVIRONMENT","value":"test"}`, `{"name":"ENVIRONMENT","value":"test}`, "EnvironmentVariables"},
		"pipelines_their_own":    {pipelinePipeline, "StackName: gatehouse-tools-api,\n", "StackName: gatehouse-tools-pipelines,\n", "without its own"},
		"pipelines_forget_one":   {pipelinePipeline, "StackName: gatehouse-tools-api, ChangeSetName", "StackName: gatehouse-tools-platform, ChangeSetName", "never executed"},
		"pipelines_by_another":   {pipelinePipeline, "RoleArn: !GetAtt CloudFormationRole.Arn", "RoleArn: !GetAtt PipelinesRole.Arn", "RoleArn is"},
		"pipelines_wrong_config": {pipelinePipeline, "pipeline/config/api.json", "pipeline/config/platform.json", "TemplateConfiguration is"},
	})
}
