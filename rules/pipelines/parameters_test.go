package pipelines

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/template"
)

// target returns the template that an action deploys, and the parameters that come
// from configuration, without those of the action.
func (m pipelineModel) target(stage string, a pipeline.Action) (string, map[string]string, error) {
	if m.service == "" {
		service := strings.TrimPrefix(a.Configuration["StackName"], "gatehouse-tools-")
		config, err := pipelineConfig(m.sources, service)
		return servicePipeline, config, err
	}
	file := filepath.Join(repository.Root, repository.Folder(m.service), "samconfig.toml")
	config, err := sam.ReadConfig(file, strings.ToLower(stage))
	if err != nil {
		return "", nil, fmt.Errorf("sam.ReadConfig: %w", err)
	}
	given := map[string]string{}
	for name, value := range config.Parameters {
		if value != "" || !slices.Contains([]string{"PermissionsBoundaryArn", "DeploymentRoleArn", "DeploymentType"}, name) {
			given[name] = value // as tools/internal/builder writes them
		}
	}
	return repository.Folder(m.service) + "/template.yaml", given, nil
}

// overrideFindings: CloudFormation refuses a change set because of a parameter that the
// template does not have, a parameter without a value, or a value that is not allowed.
func overrideFindings(m pipelineModel) []string {
	var out []string
	for _, s := range m.Pipeline.Stages {
		for _, a := range s.Actions {
			if a.Configuration["ActionMode"] != "CHANGE_SET_REPLACE" {
				continue
			}
			for _, finding := range m.overrides(s.Name, a) {
				out = append(out, fmt.Sprintf("%s/%s: %s", s.Name, a.Name, finding))
			}
		}
	}
	return out
}

func (m pipelineModel) overrides(stage string, a pipeline.Action) []string {
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	text := a.Configuration["ParameterOverrides"]
	overrides := map[string]string{}
	if err := json.Unmarshal([]byte(text), &overrides); err != nil {
		return []string{"ParameterOverrides: " + err.Error()}
	}
	file, given, err := m.target(stage, a)
	if err != nil {
		return []string{err.Error()}
	}
	declared, err := m.templateParameters(file)
	if err != nil {
		return []string{err.Error()}
	}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		if _, twice := given[name]; twice && m.service == "" {
			say("%s is set both in the configuration and in ParameterOverrides", name)
		}
		given[name] = overrides[name]
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if template.Get(declared, name) == nil {
			say("%s has no parameter %s", file, name)
		}
	}
	for key, p := range template.Pairs(declared) {
		value, ok := given[key.Value]
		if !ok && template.Get(p, "Default") == nil {
			say("the parameter %s of %s is not set", key.Value, file)
		}
		for _, v := range m.Pipeline.Variables {
			value = strings.ReplaceAll(value, "#{variables."+v.Name+"}", v.DefaultValue)
		}
		allowed, pattern := template.Texts(template.Get(p, "AllowedValues")), template.Text(template.Get(p, "AllowedPattern"))
		if !ok || strings.Contains(value, "#{") {
			continue
		}
		if allowed != nil && !slices.Contains(allowed, value) {
			say("%s of %s is %q, not one of %v", key.Value, file, value, allowed)
		}
		for _, value := range parts(template.Text(template.Get(p, "Type")), value) {
			if pattern != "" && !regexp.MustCompile(`^(?:`+pattern+`)$`).MatchString(value) {
				say("%s of %s is %q, which does not match its AllowedPattern", key.Value, file, value)
			}
		}
	}
	// The permissions in an environment depend on these.
	environment := strings.ToLower(stage)
	for name, want := range map[string]string{
		"PermissionsBoundaryArn": fmt.Sprintf("arn:aws:iam::%s:policy/gatehouse/%s/gatehouse-%[2]s-boundary", environmentAccounts()[environment], environment),
		"DeploymentRoleArn":      m.roleOf(environment, "codedeploy"),
		"DeploymentType":         "#{variables.ROLLOUT}",
	} {
		if template.Get(declared, name) != nil && overrides[name] != want {
			say("ParameterOverrides: %s is %q, want %q", name, overrides[name], want)
		}
	}
	return out
}

// parts returns the values that must match a pattern.
func parts(typ, value string) []string {
	if typ == "CommaDelimitedList" {
		return strings.Split(value, ",")
	}
	return []string{value}
}

func TestPipelineParametersPlanted(t *testing.T) {
	t.Parallel()
	const guard = "services/signup-guard/template.yaml"
	plantPipelines(t, map[string]plantedPipeline{
		"unknown_parameter":   {"", `"DeploymentType":"#{variables.ROLLOUT}"`, `"DeploymentKind":"#{variables.ROLLOUT}"`, "has no parameter DeploymentKind"},
		"for_the_platform":    {"", "!Not [!Equals [!Ref Service, platform]]", "!Not [!Equals [!Ref Service, api]]", "platform/template.yaml has no parameter"},
		"lost_with_it":        {"", "!Not [!Equals [!Ref Service, platform]]", "!Equals [!Ref Service, api]", "DeploymentRoleArn is \"\""},
		"no_boundary":         {"", `"PermissionsBoundaryArn":"arn`, `"PermissionsBoundaryArn":"x:arn`, "PermissionsBoundaryArn"},
		"others_boundary":     {"", "gatehouse-production-boundary", "gatehouse-test-boundary", "PermissionsBoundaryArn is"},
		"others_codedeploy":   {"", "gatehouse-production-codedeploy", "gatehouse-test-codedeploy", "DeploymentRoleArn is"},
		"unknown_rollout":     {"", "DefaultValue: Canary10Percent5Minutes", "DefaultValue: Canary10Percent4Minutes", "not one of"},
		"no_json":             {"", `{"PermissionsBoundaryArn":"`, `{PermissionsBoundaryArn:"`, "ParameterOverrides"},
		"nobody_gives_it":     {guard, "\nParameters:\n", "\nParameters:\n  AbuseAddress:\n    Type: String\n", "the parameter AbuseAddress of"},
		"renamed_in_template": {guard, "  DeploymentRoleArn:\n", "  RolloutRoleArn:\n", "has no parameter DeploymentRoleArn"},
		"config_unknown":      {"pipeline/config/api.json", `"Service"`, `"Owner": "x", "Service"`, "has no parameter Owner"},
		"config_value":        {"pipeline/config/api.json", `"Service": "api"`, `"Service": "apis"`, "apis"},
		"config_incomplete":   {"pipeline/config/api.json", `"ArtifactFolder": "gatehouse-api",`, "", "ArtifactFolder"},
		"config_misspelt":     {"pipeline/config/api.json", `"Parameters"`, `"Parameter"`, "unknown field"},
		"pipelines_needed":    {pipelinePipeline, `"Repository":"${Repository}",`, "", "the parameter Repository"},
		"pipelines_unknown":   {pipelinePipeline, `"Branch":"${Branch}"`, `"Branches":"${Branch}"`, "has no parameter Branches"},
		"pipelines_overrule":  {pipelinePipeline, `"Branch":"${Branch}"`, `"Service":"api"`, "is set both in the configuration"},
	})
}
