package release

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

// Environments are those that pipelines deploy to.
func Environments() []string { return []string{"dev", "test", "production"} }

// Configuration is CloudFormation's template configuration file, as CodePipeline reads it
// (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/continuous-delivery-codepipeline-cfn-artifacts.html).
type Configuration struct {
	Parameters  map[string]string
	Tags        map[string]string
	StackPolicy json.RawMessage
}

// configs reads what samconfig.toml says of each environment.
func (b Builder) configs(s stacks.Stack) (map[string]Configuration, error) {
	policy, err := os.ReadFile(filepath.Join(b.Root, stacks.StackPolicy))
	if err != nil {
		return nil, fmt.Errorf("os.ReadFile: %w", err)
	}
	out := map[string]Configuration{}
	for _, environment := range Environments() {
		read, err := sam.ReadConfig(s.Samconfig(), environment)
		if err != nil {
			return nil, fmt.Errorf("sam.ReadConfig: %w", err)
		}
		parameters, err := forPipeline(read.Parameters, s.Parameters, environment)
		if err != nil {
			return nil, fmt.Errorf("%s: [%s.deploy.parameters]: %w", b.short(s.Samconfig()), environment, err)
		}
		out[environment] = Configuration{
			Parameters:  parameters,
			Tags:        map[string]string{"Application": "gatehouse", "Environment": environment, "Service": s.Name},
			StackPolicy: policy,
		}
	}
	return out, nil
}

// byPipeline are parameters that a pipeline's action gives, for it alone knows the
// accounts. Its values win over the file's; an empty one there would only mislead.
func byPipeline(name string) bool {
	return slices.Contains([]string{"PermissionsBoundaryArn", "DeploymentRoleArn", "DeploymentType"}, name)
}

// forPipeline are the parameters of one environment, or why CloudFormation would refuse them.
func forPipeline(read map[string]string, declared []string, environment string) (map[string]string, error) {
	if read["Environment"] != environment {
		return nil, fmt.Errorf("say Environment=%s in parameter_overrides, not %q", environment, read["Environment"])
	}
	out := map[string]string{}
	for name, value := range read {
		if !slices.Contains(declared, name) {
			return nil, fmt.Errorf("template.yaml has no parameter %s; CloudFormation would refuse it", name)
		}
		if value != "" || !byPipeline(name) {
			out[name] = value
		}
	}
	return out, nil
}

// architecture is the one that all environments share, for they get the same
// binaries; it is written into each configuration.
func (b Builder) architecture(s stacks.Stack, configs map[string]Configuration) (string, error) {
	const name = "Architecture"
	if !slices.Contains(s.Parameters, name) {
		return b.Architecture, nil
	}
	chosen := b.Architecture
	for _, environment := range Environments() {
		said := configs[environment].Parameters[name]
		if b.Architecture == "" && chosen != "" && said != chosen {
			return "", fmt.Errorf("%s: the environments differ in Architecture (%s, %s), but one build serves all; say the same, or ARCHITECTURE=", b.short(s.Samconfig()), chosen, said)
		}
		if chosen == "" {
			chosen = said
		}
	}
	if chosen != "arm64" && chosen != "x86_64" {
		return "", fmt.Errorf("the architecture %q is neither arm64 nor x86_64; say ARCHITECTURE=", chosen)
	}
	for _, c := range configs {
		c.Parameters[name] = chosen
	}
	return chosen, nil
}

func (b Builder) writeConfigs(configs map[string]Configuration) error {
	for _, environment := range Environments() {
		raw, err := json.MarshalIndent(configs[environment], "", "  ")
		if err != nil {
			return fmt.Errorf("json.MarshalIndent: %w", err)
		}
		if err := b.write(filepath.Join(ConfigDir, environment+".json"), append(raw, '\n')); err != nil {
			return err
		}
	}
	return nil
}
