package pipeline

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// deployed resolves the resources of a deployed stack.
type deployed struct{}

func (deployed) Parameter(_ context.Context, name string) (string, error) {
	if name == "/gatehouse/tools/pipeline/missing" {
		return "", fmt.Errorf("no parameter %s", name)
	}
	return "value-of" + name, nil
}

func (deployed) Attribute(_ context.Context, resource, attribute string) (string, error) {
	known := map[string]string{
		"BuildProject.Ref": "signup-guard-build", "BuildRole.Arn": "arn:build", "PipelineRole.Arn": "arn:pipeline", "Key.Ref": "key",
	}
	if v, ok := known[resource+"."+attribute]; ok {
		return v, nil
	}
	return "", fmt.Errorf("no resource with %s.%s", resource, attribute)
}

func body(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("testdata/pipeline.yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func stack(template string) Stack {
	return Stack{Template: template, Resolver: deployed{}, Parameters: map[string]string{
		"FilePaths": "services/signup-guard/**, contracts/**", "Mode": "multi", "OnAws": "false", "Service": "signup-guard",
	}}
}

func TestRead(t *testing.T) {
	t.Parallel()
	d, err := Read(t.Context(), stack(body(t)), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := d.Pipeline
	if p.Name != "gatehouse-signup-guard" || p.RoleArn != "arn:pipeline" || p.ArtifactStore.EncryptionKey.ID != "value-of/gatehouse/tools/pipeline/key" {
		t.Errorf("got %+v", p)
	}
	want := Patterns{Includes: []string{"services/signup-guard/**", "contracts/**"}}
	if diff := cmp.Diff(want, p.Triggers[0].GitConfiguration.Push[0].FilePaths); diff != "" {
		t.Errorf("file paths (-want +got):\n%s", diff)
	}
	project := d.Projects["signup-guard-build"]
	if project.Environment.Type != "ARM_CONTAINER" || project.ServiceRole != "arn:build" || project.TimeoutInMinutes != 20 {
		t.Errorf("got %+v", project)
	}
	if len(p.Stages) != 3 {
		t.Fatalf("%d stages", len(p.Stages))
	}
	if a := p.Stages[2].Actions; a[0].Name != "ChangeSet" || a[1].Name != "Execute" || a[1].RoleArn != "arn:a" || a[0].RunOrder != 1 {
		t.Errorf("got %+v, want run order", a)
	}
	single, err := Read(t.Context(), stack(body(t)), map[string]string{"Mode": "single"})
	if err != nil {
		t.Fatal(err)
	}
	if len(single.Pipeline.Stages) != 2 || single.Structure == d.Structure {
		t.Errorf("single: %d stages, structure %s", len(single.Pipeline.Stages), single.Structure)
	}
}

// The error names the mistake.
func TestReadRefuses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ old, new, want string }{
		"unknown_intrinsic":   {"Name: !Sub 'gatehouse-${Service}'", "Name: !Base64 x", "Fn::Base64"},
		"unknown_resource":    {"!GetAtt PipelineRole.Arn", "!GetAtt OtherRole.Arn", "no resource with OtherRole.Arn"},
		"unknown_condition":   {"          - OnAwsAndMulti", "          - Production", `no condition "Production"`},
		"unknown_map_key":     {"arm64, Type]", "x86, Type]", "Images.x86.Type"},
		"missing_parameter":   {"pipeline/artifact-bucket", "pipeline/missing", "no parameter /gatehouse/tools/pipeline/missing"},
		"secret":              {"{{resolve:ssm:/gatehouse/tools/pipeline/artifact-bucket}}", "{{resolve:secretsmanager:x}}", "resolve:secretsmanager"},
		"unknown_field":       {"RoleArn: !GetAtt PipelineRole.Arn", "Roles: []\n      RoleArn: !GetAtt PipelineRole.Arn", `"Roles"`},
		"stage_rule":          {"OnFailure: {Result: ROLLBACK}", "BeforeEntry: {Conditions: []}", `"BeforeEntry"`},
		"stage_retry":         {"{Result: ROLLBACK}", "{Result: RETRY}", `Production: OnFailure "RETRY"`},
		"unknown_type":        {"Provider: CodeBuild", "Provider: Jenkins", "Build/AWS/Jenkins/1"},
		"unknown_setting":     {"Configuration: {ProjectName: !Ref BuildProject}", "Configuration: {ProjectName: !Ref BuildProject, BatchEnabled: 'true'}", "BatchEnabled"},
		"unknown_action_key":  {"              Namespace: Bld", "              Region: eu-west-1", `"Region"`},
		"wrong_input":         {"InputArtifacts: [{Name: SourceZip}]", "InputArtifacts: [{Name: Sources}]", "Build/Build: no earlier action makes the artifact Sources"},
		"wrong_template_path": {"Built::packaged.yaml", "Build::packaged.yaml", "the artifact Build, which is not one of its inputs [Built]"},
		"no_template_file":    {"Built::packaged.yaml", "packaged.yaml", "is not ARTIFACT::file"},
		"made_twice":          {"OutputArtifacts: [{Name: Built}]", "OutputArtifacts: [{Name: SourceZip}]", "already made by Source/Source"},
		"namespace_twice":     {"Namespace: Bld", "Namespace: Src", "the namespace Src is already used by Source/Source"},
		"namespace_artifact":  {"Namespace: Bld", "Namespace: Built", "also the name of an artifact"},
		"parallel":            {"QUEUED", "PARALLEL", `ExecutionMode "PARALLEL"`},
		"no_project":          {"{ProjectName: !Ref BuildProject}", "{ProjectName: other}", "has a project other"},
		"timeout":             {"                RunOrder: 2", "                RunOrder: 2\n                TimeoutInMinutes: 5", "only an approval can have TimeoutInMinutes"},
		"no_pipeline":         {"AWS::CodePipeline::Pipeline", "AWS::SNS::Topic", "has no pipeline"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(body(t), tc.old, tc.new, 1)
			if changed == body(t) {
				t.Fatalf("%q is not in the template", tc.old)
			}
			if _, err := Read(t.Context(), stack(changed), nil); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestReadRefusesUnknownOverrides(t *testing.T) {
	t.Parallel()
	for _, override := range []map[string]string{{"Mode": "triple"}, {"Modus": "single"}} {
		if _, err := Read(t.Context(), stack(body(t)), override); err == nil {
			t.Errorf("%v was accepted", override)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("Resources: {A: {Type: AWS::CodePipeline::Pipeline, Properties: {Name: !Sub x, Stages: []}}}")
	f.Add("&a [*a]")
	f.Fuzz(func(t *testing.T, body string) { _, _ = Read(t.Context(), stack(body), nil) })
}
