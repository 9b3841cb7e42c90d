package builder

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// configuration is CloudFormation's template configuration file, as CodePipeline reads it
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html).
type configuration struct {
	Parameters  map[string]string
	Tags        map[string]string
	StackPolicy json.RawMessage
}

// configs reads the configuration of each environment from samconfig.toml.
func (b Build) configs(s stacks.Stack) (map[string]configuration, error) {
	policy, err := os.ReadFile(filepath.Join(b.Root, stacks.StackPolicy))
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	out := map[string]configuration{}
	for _, environment := range stacks.Environments {
		read, err := sam.ReadConfig(s.Samconfig(), environment)
		if err != nil {
			return nil, fmt.Errorf("sam.ReadConfig: %w", err)
		}
		parameters, err := forPipeline(read.Parameters, s.Parameters, environment)
		if err != nil {
			return nil, fmt.Errorf("%s: [%s.deploy.parameters]: %w", b.short(s.Samconfig()), environment, err)
		}
		out[environment] = configuration{
			Parameters:  parameters,
			Tags:        map[string]string{"Application": "gatehouse", "Environment": environment, "Service": s.Name},
			StackPolicy: policy,
		}
	}
	return out, nil
}

// setByPipeline are the parameters that a pipeline's action sets, because only the
// pipeline knows the accounts. Its values take precedence over those of the file.
var setByPipeline = []string{"PermissionsBoundaryArn", "DeploymentRoleArn", "DeploymentType"}

// forPipeline returns the parameters of one environment, or an error if
// CloudFormation would refuse them.
func forPipeline(read map[string]string, declared []string, environment string) (map[string]string, error) {
	if read["Environment"] != environment {
		return nil, fmt.Errorf("set Environment=%s in parameter_overrides, not %q", environment, read["Environment"])
	}
	out := map[string]string{}
	for name, value := range read {
		if !slices.Contains(declared, name) {
			return nil, fmt.Errorf("template.yaml has no parameter %s; CloudFormation would refuse it", name)
		}
		if value != "" || !slices.Contains(setByPipeline, name) {
			out[name] = value
		}
	}
	return out, nil
}

// architecture returns the architecture that all environments share, because they
// get the same binaries, and writes it to each configuration.
func (b Build) architecture(s stacks.Stack, configs map[string]configuration) (string, error) {
	const name = "Architecture"
	if !slices.Contains(s.Parameters, name) {
		return b.Architecture, nil
	}
	chosen := b.Architecture
	for _, environment := range stacks.Environments {
		set := configs[environment].Parameters[name]
		if b.Architecture == "" && chosen != "" && set != chosen {
			return "", fmt.Errorf("%s: the environments differ in Architecture (%s, %s), but share one build; use one value, or set ARCHITECTURE=", b.short(s.Samconfig()), chosen, set)
		}
		if chosen == "" {
			chosen = set
		}
	}
	if chosen != "arm64" && chosen != "x86_64" {
		return "", fmt.Errorf("the architecture %q is neither arm64 nor x86_64; set ARCHITECTURE=", chosen)
	}
	for _, c := range configs {
		c.Parameters[name] = chosen
	}
	return chosen, nil
}

func (b Build) writeConfigs(configs map[string]configuration) error {
	for _, environment := range stacks.Environments {
		if err := b.writeJSON(filepath.Join(configDir, environment+".json"), configs[environment]); err != nil {
			return err
		}
	}
	return nil
}
