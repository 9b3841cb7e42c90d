package pipelines

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

const (
	servicePipeline  = "pipeline/pipeline.yaml"
	checksFile       = "pipeline/checks.yaml"
	canaryFile       = "pipeline/canary.yaml"
	pipelinePipeline = repository.Pipelines
	toolsAccount     = "111111111111"
)

// pipelineFiles are texts that replace files, by their paths in the repository, so that
// planted errors are not written to disk.
type pipelineFiles map[string]string

func (s pipelineFiles) read(path string) (string, error) {
	if text, ok := s[path]; ok {
		return text, nil
	}
	raw, err := os.ReadFile(filepath.Join(repository.Root, filepath.FromSlash(path)))
	if err != nil {
		return "", fmt.Errorf("os.ReadFile: %w", err)
	}
	return string(raw), nil
}

// pipelineModel is one pipeline as it would be on AWS, with its related resources.
type pipelineModel struct {
	pipeline.Definition
	sources  pipelineFiles
	template *template.Template
	// checks is the template of the projects that all pipelines of services start. The
	// pipelines' own pipeline has none.
	checks *template.Template
	// service is empty for the pipelines' own pipeline.
	service, mode string
	parameters    map[string]string
}

func (m pipelineModel) String() string {
	if m.service == "" {
		return fmt.Sprintf("%s (%s)", m.template.Path, m.mode)
	}
	return fmt.Sprintf("%s (%s, %s)", m.template.Path, m.service, m.mode)
}

// resolver resolves the SSM names and attributes that a template uses.
type resolver struct {
	template   *template.Template
	parameters map[string]string
}

func (w resolver) Parameter(_ context.Context, name string) (string, error) {
	known := map[string]string{
		"/gatehouse/tools/pipeline/artifact-bucket":        "artifacts",
		"/gatehouse/tools/pipeline/artifact-key-arn":       "arn:aws:kms:eu-central-1:" + toolsAccount + ":key/1",
		"/gatehouse/tools/pipeline/connection-arn":         "arn:aws:codeconnections:eu-central-1:" + toolsAccount + ":connection/1",
		"/gatehouse/tools/pipeline/connection-id":          "1",
		"/gatehouse/tools/pipeline/notification-topic-arn": "arn:aws:sns:eu-central-1:" + toolsAccount + ":gatehouse-tools-pipeline",
	}
	if v, ok := known[name]; ok {
		return v, nil
	}
	return "", fmt.Errorf("bootstrap.yaml does not write the SSM name %s", name)
}

// Attribute returns a resource's name for Ref, and the ARN of a role.
func (w resolver) Attribute(_ context.Context, id, attribute string) (string, error) {
	for _, r := range w.template.Resources("") {
		if r.ID != id {
			continue
		}
		for _, property := range []string{"Name", "RoleName", "LogGroupName"} {
			name := w.fill(template.Text(r.Prop(property)))
			switch {
			case name == "":
			case attribute == "Ref":
				return name, nil
			case r.Type == "AWS::IAM::Role":
				return "arn:aws:iam::" + toolsAccount + ":role" + w.fill(template.Text(r.Prop("Path"))) + name, nil
			default:
				return "arn:" + name, nil
			}
		}
	}
	return "", fmt.Errorf("%s has no resource %s with a name", w.template.Path, id)
}

func (w resolver) fill(text string) string {
	for name, value := range w.parameters {
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	return text
}

// pipelineServices are the stacks of the system; each has a pipeline, and its
// configuration in pipeline/config.
func pipelineServices() ([]string, error) {
	all, err := stacks.Discover(repository.Root)
	if err != nil {
		return nil, fmt.Errorf("stacks.Discover: %w", err)
	}
	var names, configured []string
	for _, stack := range all {
		names = append(names, stack.Name)
	}
	slices.Sort(names)
	found, err := filepath.Glob(filepath.Join(repository.Root, "pipeline", "config", "*.json"))
	if err != nil {
		return nil, fmt.Errorf("filepath.Glob: %w", err)
	}
	for _, file := range found {
		configured = append(configured, strings.TrimSuffix(filepath.Base(file), ".json"))
	}
	if !slices.Equal(configured, names) {
		return nil, fmt.Errorf("pipeline/config configures %v, want one file for each of %v", configured, names)
	}
	return names, nil
}

func pipelineConfig(src pipelineFiles, service string) (map[string]string, error) {
	text, err := src.read("pipeline/config/" + service + ".json")
	if err != nil {
		return nil, err
	}
	var config struct{ Parameters map[string]string }
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&config); err != nil {
		return nil, fmt.Errorf("pipeline/config/%s.json: %w", service, err)
	}
	return config.Parameters, nil
}

// readPipeline evaluates a template as the stack of a service, or of the pipelines, with
// more parameters as names and values.
func readPipeline(src pipelineFiles, file, service, mode string, more ...string) (pipelineModel, error) {
	m := pipelineModel{sources: src, service: service, mode: mode, parameters: map[string]string{
		"AWS::AccountId": toolsAccount, "AWS::Region": "eu-central-1", "AWS::Partition": "aws", "AWS::StackName": "gatehouse-tools-" + service,
	}}
	text, err := src.read(file)
	if err != nil {
		return m, err
	}
	if m.template, err = template.Parse(file, []byte(text)); err != nil {
		return m, err
	}
	given := map[string]string{
		"DevAccount": "222222222222", "TestAccount": "333333333333", "ProductionAccount": "444444444444",
		"Mode": mode, "Repository": "example/gatehouse", "LogKeyEnvironment": "",
		// So each architecture is tested once.
		"Architecture": map[string]string{"single": "x86_64", "multi": "arm64"}[mode],
	}
	for pair := range slices.Chunk(more, 2) {
		given[pair[0]] = pair[1]
	}
	if service != "" {
		config, err := pipelineConfig(src, service)
		if err != nil {
			return m, err
		}
		maps.Copy(given, config)
	}
	for key, p := range template.Pairs(template.Get(m.template.Root, "Parameters")) {
		value, ok := given[key.Value]
		if !ok {
			if template.Get(p, "Default") == nil {
				return m, fmt.Errorf("%s: the parameter %s is not set for %s", file, key.Value, service)
			}
			value = template.Text(template.Get(p, "Default"))
		}
		m.parameters[key.Value] = value
	}
	var others []pipeline.Stack
	if service != "" {
		text, err := src.read(checksFile)
		if err != nil {
			return m, err
		}
		if m.checks, err = template.Parse(checksFile, []byte(text)); err != nil {
			return m, err
		}
		others = append(others, pipeline.Stack{Template: text, Parameters: m.parameters, Resolver: resolver{m.checks, m.parameters}})
	}
	m.Definition, err = pipeline.Read(context.Background(), pipeline.Stack{
		Template: text, Parameters: m.parameters, Resolver: resolver{m.template, m.parameters},
	}, nil, others...)
	if err != nil {
		return m, fmt.Errorf("%s (%s): %w", m, m.mode, err)
	}
	return m, nil
}

// readPipelines returns the pipelines of services in both modes, and findings for those
// that cannot be read. The empty service means the pipelines' own pipeline.
func readPipelines(src pipelineFiles, services []string) (all []pipelineModel, findings []string) {
	add := func(file, service, mode string) {
		m, err := readPipeline(src, file, service, mode)
		if err != nil {
			findings = append(findings, err.Error())
			return
		}
		all = append(all, m)
	}
	for _, mode := range []string{"single", "multi"} {
		for _, service := range services {
			if service == "" {
				add(pipelinePipeline, "", mode)
			} else {
				add(servicePipeline, service, mode)
			}
		}
	}
	return all, findings
}

// pipelineRules returns the rules about a single pipeline.
func pipelineRules() map[string]func(pipelineModel) []string {
	return map[string]func(pipelineModel) []string{
		"triggers": triggerFindings, "stages": stageFindings, "deployments": deploymentFindings, "variables": variableFindings,
		"overrides": overrideFindings, "artifacts": artifactFindings, "projects": projectFindings, "reports": reportFindings,
		"notifications": notificationFindings, "names": fixedNameFindings, "environment": environmentFindings,
	}
}

// pipelineFindings applies every rule to the pipelines of services.
func pipelineFindings(src pipelineFiles, services ...string) []string {
	all, findings := readPipelines(src, services)
	for _, m := range all {
		for _, name := range slices.Sorted(maps.Keys(pipelineRules())) {
			for _, finding := range pipelineRules()[name](m) {
				if finding = m.String() + ": " + finding; !slices.Contains(findings, finding) {
					findings = append(findings, finding)
				}
			}
		}
	}
	return findings
}

func TestPipelines(t *testing.T) {
	t.Parallel()
	services, err := pipelineServices()
	if err != nil || len(services) != 9 {
		t.Fatalf("pipelineServices: %v, %v", services, err)
	}
	repository.Report(t, pipelineFindings(nil, append(services, "")...))
}

// plantedPipeline is one error in one file, and a part of the finding that it must cause.
type plantedPipeline struct{ file, old, new, want string }

// affected returns services whose pipelines are enough to find an error. They are all
// alike, except for the platform, which has no functions.
func (p plantedPipeline) affected() []string {
	switch {
	case p.file == pipelinePipeline:
		return []string{""}
	case strings.HasPrefix(p.file, "pipeline/config/"):
		return []string{strings.TrimSuffix(filepath.Base(p.file), ".json"), ""}
	case strings.Contains(p.want, "platform/"):
		return []string{"platform"}
	}
	return []string{"signup-guard"}
}

// plantPipelines writes one error at a time into the repository's own definitions.
func plantPipelines(t *testing.T, errs map[string]plantedPipeline) {
	t.Helper()
	for name, p := range errs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if p.file == "" {
				p.file = servicePipeline
			}
			text := repository.Read(t, filepath.Join(repository.Root, p.file))
			if !strings.Contains(text, p.old) {
				t.Fatalf("the text to replace is missing in %s: %s", p.file, p.old)
			}
			findings := pipelineFindings(pipelineFiles{p.file: strings.Replace(text, p.old, p.new, 1)}, p.affected()...)
			if !strings.Contains(strings.Join(findings, "\n"), p.want) {
				t.Errorf("findings %q, want one with %q", findings, p.want)
			}
		})
	}
}

// templateParameters returns the parameters that a template declares.
func (m pipelineModel) templateParameters(file string) (*yaml.Node, error) {
	text, err := m.sources.read(file)
	if err != nil {
		return nil, err
	}
	t, err := template.Parse(file, []byte(text))
	if err != nil {
		return nil, err
	}
	return template.Get(t.Root, "Parameters"), nil
}
