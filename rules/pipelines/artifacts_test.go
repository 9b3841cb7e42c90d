package pipelines

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/pipeline"
	"gatehouse.example/tools/template"
)

// buildspec is the part of a buildspec that the rules read.
type buildspec struct {
	Env struct {
		Variables map[string]string
		Exported  []string `yaml:"exported-variables"`
	}
	Phases map[string]struct {
		Commands []string
		Runtimes map[string]string `yaml:"runtime-versions"`
	}
	Reports map[string]struct {
		Format string `yaml:"file-format"`
	}
	Artifacts struct{ Files []string }
}

// buildspec returns the buildspec of the project that an action runs.
func (m pipelineModel) buildspec(a pipeline.Action) (buildspec, error) {
	project, ok := m.Projects[a.Configuration["ProjectName"]]
	if !ok {
		return buildspec{}, fmt.Errorf("the project %s does not exist", a.Configuration["ProjectName"])
	}
	return m.projectSpec(project)
}

func (m pipelineModel) projectSpec(p pipeline.Project) (buildspec, error) {
	var spec buildspec
	text, err := m.sources.read(p.Source.BuildSpec)
	if err != nil {
		return spec, err
	}
	if err := yaml.Unmarshal([]byte(text), &spec); err != nil {
		return spec, fmt.Errorf("yaml.Unmarshal %s: %w", p.Source.BuildSpec, err)
	}
	return spec, nil
}

// artifactFindings: an artifact contains the files that actions read from it.
func artifactFindings(m pipelineModel) []string {
	makers := map[string]pipeline.Action{}
	var out []string
	for _, s := range m.Pipeline.Stages {
		for _, a := range s.Actions {
			for _, key := range []string{"TemplatePath", "TemplateConfiguration"} {
				artifact, file, ok := strings.Cut(a.Configuration[key], "::")
				if !ok {
					continue
				}
				if err := m.contains(makers[artifact], file); err != nil {
					out = append(out, fmt.Sprintf("%s/%s: %s: %v", s.Name, a.Name, key, err))
				}
			}
			for _, artifact := range a.OutputArtifacts {
				makers[artifact.Name] = a
			}
		}
	}
	return out
}

// contains returns an error unless an action's output artifact contains a file.
func (m pipelineModel) contains(maker pipeline.Action, file string) error {
	switch maker.ActionTypeID.String() {
	case pipeline.Source:
		_, err := m.sources.read(file)
		return err
	case pipeline.Build:
		spec, err := m.buildspec(maker)
		if err != nil {
			return err
		}
		for _, pattern := range spec.Artifacts.Files {
			if ok, err := doublestar.Match(pattern, file); err != nil || ok {
				return err
			}
		}
		return fmt.Errorf("%s is not one of the artifact's files, %v", file, spec.Artifacts.Files)
	}
	return fmt.Errorf("no action before it creates the artifact with %s", file)
}

// reportFindings: each report of a project has a report group in the stack, and each
// report group a report.
func reportFindings(m pipelineModel) []string {
	kinds := map[string]string{
		"JUNITXML": "TEST", "CUCUMBERJSON": "TEST", "COBERTURAXML": "CODE_COVERAGE", "JACOCOXML": "CODE_COVERAGE", "CLOVERXML": "CODE_COVERAGE", "SIMPLECOV": "CODE_COVERAGE",
	}
	want, got := map[string]string{}, map[string]string{}
	var out []string
	for name, p := range m.Projects {
		spec, err := m.projectSpec(p)
		if err != nil {
			return []string{err.Error()}
		}
		for report, r := range spec.Reports {
			want[name+"-"+report] = kinds[r.Format]
		}
		if len(spec.Reports) > 5 {
			out = append(out, name+": more than five reports")
		}
	}
	groups := m.template.Resources("AWS::CodeBuild::ReportGroup")
	if m.checks != nil {
		groups = append(groups, m.checks.Resources("AWS::CodeBuild::ReportGroup")...)
	}
	for _, g := range groups {
		got[m.text(template.Text(g.Prop("Name")))] = template.Text(g.Prop("Type"))
		if template.Text(g.Prop("DeleteReports")) != "true" {
			out = append(out, g.ID+": without DeleteReports the stack cannot be deleted")
		}
	}
	if !maps.Equal(want, got) {
		out = append(out, fmt.Sprintf("the report groups are %v, but the buildspecs need %v", got, want))
	}
	return out
}

// text replaces parameters and the names of projects.
func (m pipelineModel) text(text string) string {
	w := resolver{m.template, m.parameters}
	resources := m.template.Resources("")
	if m.checks != nil {
		resources = append(resources, m.checks.Resources("AWS::CodeBuild::Project")...)
	}
	for _, r := range resources {
		text = strings.ReplaceAll(text, "${"+r.ID+"}", w.fill(template.Text(r.Prop("Name"))))
	}
	return w.fill(text)
}

// commandFindings: every variable that a build's commands read is set.
func commandFindings(m pipelineModel) []string {
	var out []string
	for _, s := range m.Pipeline.Stages {
		for _, a := range s.Actions {
			project, ok := m.Projects[a.Configuration["ProjectName"]]
			if !ok {
				continue
			}
			spec, err := m.projectSpec(project)
			given, broken := actionVariables(a)
			if err != nil || broken != nil {
				continue // reported by another rule
			}
			for _, v := range project.Environment.EnvironmentVariables {
				given[v.Name] = v.Value
			}
			used := map[string]bool{}
			for _, phase := range spec.Phases {
				for _, command := range phase.Commands {
					for _, found := range regexp.MustCompile(`\$\{?([A-Z][A-Z0-9_]*)`).FindAllStringSubmatch(command, -1) {
						used[found[1]] = true
					}
				}
			}
			for _, name := range slices.Sorted(maps.Keys(used)) {
				if _, ok := given[name]; !ok && spec.Env.Variables[name] == "" && !strings.HasPrefix(name, "CODEBUILD_") {
					out = append(out, fmt.Sprintf("%s/%s: %s reads $%s, which is not set", s.Name, a.Name, project.Source.BuildSpec, name))
				}
			}
			for _, name := range slices.Sorted(maps.Keys(given)) {
				if !used[name] {
					out = append(out, fmt.Sprintf("%s/%s: nothing in %s reads $%s", s.Name, a.Name, project.Source.BuildSpec, name))
				}
			}
		}
	}
	return out
}

func TestPipelineArtifactsPlanted(t *testing.T) {
	t.Parallel()
	const build, test = "pipeline/buildspec.yml", "pipeline/testspec.yml"
	plantPipelines(t, map[string]plantedPipeline{
		"unknown_artifact":     {"", "TemplatePath: Built::packaged.yaml", "TemplatePath: Build::packaged.yaml", "Build"},
		"not_an_input":         {"", "                  InputArtifacts: [{Name: Built}]", "                  InputArtifacts: [{Name: SourceZip}]", "not one of its inputs"},
		"unknown_file":         {"", "TemplatePath: Built::packaged.yaml", "TemplatePath: Built::package.yaml", "package.yaml is not one of"},
		"unknown_config":       {"", "Built::config/dev.json", "Built::configs/dev.json", "configs/dev.json is not one of"},
		"not_packed":           {build, "    - packaged.yaml\n", "", "packaged.yaml is not one of"},
		"configs_not_packed":   {build, "    - 'config/*.json'\n", "", "config/dev.json is not one of"},
		"no_output":            {"", "              OutputArtifacts: [{Name: Built}]\n", "", "Built"},
		"wrong_output":         {"", "OutputArtifacts: [{Name: Built}]", "OutputArtifacts: [{Name: Build}]", "Built"},
		"no_primary_source":    {"", "                    PrimarySource: SourceZip\n", "", "PrimarySource"},
		"other_primary_source": {"", "PrimarySource: SourceZip", "PrimarySource: Approved", "PrimarySource"},
		"approved_not_packed":  {"pipeline/artifactspec.yml", "    - packaged.yaml\n", "", "packaged.yaml is not one of"},
		"digest_not_exported":  {build, "[DIGEST, VERSION]", "[VERSION]", "#{Bld.DIGEST}"},
		"digest_not_given":     {"", `{"name":"DIGEST","value":"#{Bld.DIGEST}"},`, "", "reads $DIGEST"},
		"pipelines_no_file":    {pipelinePipeline, "SourceZip::pipeline/config/api.json", "SourceZip::pipeline/config/apis.json", "apis.json"},
		"pipelines_artifact":   {pipelinePipeline, "SourceZip::pipeline/pipeline.yaml", "Built::pipeline/pipeline.yaml", "Built"},
		"unknown_buildspec":    {"", "BuildSpec: pipeline/buildspec.yml", "BuildSpec: buildspec.yml", "buildspec.yml"},
		"report_without":       {build, "  coverage:\n", "  covered:\n", "the report groups are"},
		"report_of_a_kind":     {test, "JUNITXML", "COBERTURAXML", "the report groups are"},
		"group_without":        {"", "'${BuildProject}-unit'", "'${BuildProject}-units'", "the report groups are"},
		"group_of_others":      {checksFile, "'${ApprovedProject}-environment'", "'${UnapprovedProject}-environments'", "the report groups are"},
		"reports_stay":         {"", ", DeleteReports: true", "", "without DeleteReports"},
		"variable_not_given":   {"", "          - {Name: ARTIFACT_BUCKET, Value", "          - {Name: BUCKET, Value", "reads $ARTIFACT_BUCKET"},
		"variable_renamed":     {test, "$CHECK", "$CHECKS", "reads $CHECKS"},
		"variable_of_nobody":   {"", `"name":"COMMIT"`, `"name":"REVISION"`, "reads $COMMIT"},
		"variable_for_nobody":  {test, `SERVICE="$SERVICE"`, "", "nothing in pipeline/testspec.yml reads $SERVICE"},
	})
}
