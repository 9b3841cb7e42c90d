package builder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/stacks"
)

type function struct {
	LogicalID string `json:"logicalId"`
	SHA256    string `json:"sha256"` // of its bootstrap
}

// compile builds the functions with a checksum and a bill of materials for each.
func (b Build) compile(ctx context.Context, cli sam.CLI, s stacks.Stack, architecture string) ([]function, error) {
	built := []function{}
	if len(s.Functions) == 0 {
		b.print("no functions to compile")
		return built, b.write(checksumsFile, nil)
	}
	b.print("sam build: %d functions for %s", len(s.Functions), architecture)
	if err := b.quietly(func(log io.Writer) error {
		return cli.Build(ctx, s, map[string]string{"Architecture": architecture}, log)
	}); err != nil {
		return nil, fmt.Errorf("sam.CLI.Build: %w", err)
	}
	var sums bytes.Buffer
	for _, f := range s.Functions {
		path := filepath.Join(cli.Workspace.BuildDir(s.Name), f.LogicalID, "bootstrap")
		sum, err := checksum(path)
		if err != nil {
			return nil, err
		}
		// The format of sha256sum.
		_, _ = fmt.Fprintf(&sums, "%s  %s/bootstrap\n", sum, f.LogicalID)
		built = append(built, function{LogicalID: f.LogicalID, SHA256: sum})
		if err := b.sbom(ctx, path, f.LogicalID, architecture); err != nil {
			return nil, err
		}
	}
	return built, b.write(checksumsFile, sums.Bytes())
}

func checksum(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("os.ReadFile: %w", err)
	}
	return sumOf(content), nil
}

// sumOf returns the SHA-256 in hex.
func sumOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// sbom lists the modules that one binary contains, as the compiler recorded them.
// It omits the serial number and the time, so equal binaries have equal lists.
func (b Build) sbom(ctx context.Context, bootstrap, name, architecture string) error {
	out := filepath.Join(sbomDir, name+".cdx.json")
	cmd := exec.CommandContext(ctx, filepath.Join(b.Tools, "cyclonedx-gomod"), "bin", "-json", "-std",
		"-noserial", "-notimestamp", "-output", filepath.Join(b.Out, out), bootstrap)
	// Otherwise the tool uses the platform of this machine.
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+map[string]string{"arm64": "arm64", "x86_64": "amd64"}[architecture])
	output, err := cmd.CombinedOutput()
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("cyclonedx-gomod is not in %s; `make package` installs it there: %w", b.Tools, err)
	}
	if err != nil {
		return fmt.Errorf("cyclonedx-gomod %s: %w: %s", name, err, bytes.TrimSpace(output))
	}
	b.print("wrote %s", b.short(filepath.Join(b.Out, out)))
	return nil
}

// quietly shows the output of SAM only if it fails.
func (b Build) quietly(run func(io.Writer) error) error {
	var output bytes.Buffer
	err := run(&output)
	if err != nil {
		_, _ = b.Log.Write(output.Bytes())
	}
	return err
}

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
			Tags:        sam.Tags(environment, s.Name),
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
	if chosen == "" {
		chosen = configs[stacks.Environments[0]].Parameters[name]
		for _, c := range configs {
			if set := c.Parameters[name]; set != chosen {
				return "", fmt.Errorf("%s: the environments differ in Architecture (%s, %s), but share one build; use one value, or set ARCHITECTURE=", b.short(s.Samconfig()), chosen, set)
			}
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
