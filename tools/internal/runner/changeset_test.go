package runner

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// built is an artifact with a template and its configuration.
func built(t *testing.T, files map[string]string) inputArtifacts {
	t.Helper()
	dir := t.TempDir()
	var names []string
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	zip, err := pack(dir, names)
	if err != nil {
		t.Fatal(err)
	}
	return inputArtifacts{"Built": zip}
}

func artifactFiles() map[string]string {
	return map[string]string{
		"packaged.yaml":    "Resources: {}",
		"config/test.json": `{"Parameters": {"Environment": "test", "Way": "Linear"}, "Tags": {"a": "b"}, "StackPolicy": {"Statement": []}}`,
		"wrong.json":       `{"Parameter": {}}`,
		"large.yaml":       strings.Repeat("#", templateLimit+1),
	}
}

func deploySettings() map[string]string {
	return map[string]string{
		"TemplatePath": "Built::packaged.yaml", "TemplateConfiguration": "Built::config/test.json", "RoleArn": "arn:role",
		"Capabilities": "CAPABILITY_IAM,CAPABILITY_AUTO_EXPAND", "ParameterOverrides": `{"Way":"AllAtOnce","More":""}`,
	}
}

func TestReadChangeSet(t *testing.T) {
	t.Parallel()
	got, err := readChangeSet(deploySettings(), built(t, artifactFiles()))
	if err != nil {
		t.Fatal(err)
	}
	want := ChangeSet{
		Template: "Resources: {}", Parameters: map[string]string{"Environment": "test", "Way": "AllAtOnce", "More": ""}, Tags: map[string]string{"a": "b"},
		Policy: `{"Statement": []}`, Capabilities: []string{"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}, Role: "arn:role",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("change set (-want +got):\n%s", diff)
	}
}

func TestReadChangeSetRefuses(t *testing.T) {
	t.Parallel()
	in := built(t, artifactFiles())
	for name, tc := range map[string]struct{ key, value, want string }{
		"other_artifact":    {"TemplatePath", "Source::packaged.yaml", `"Source::packaged.yaml" is not a file of an input artifact`},
		"no_such_file":      {"TemplatePath", "Built::template.yaml", "it has no file template.yaml"},
		"too_large":         {"TemplatePath", "Built::large.yaml", "51201 bytes"},
		"no_configuration":  {"TemplateConfiguration", "Built::config/prod.json", "config/prod.json"},
		"unknown_key":       {"TemplateConfiguration", "Built::wrong.json", `unknown field "Parameter"`},
		"no_role":           {"RoleArn", "", "RoleArn is missing"},
		"no_json":           {"ParameterOverrides", "Way=x", "ParameterOverrides: json.Unmarshal"},
		"function":          {"ParameterOverrides", `{"Way":{"Fn::GetParam":["Built","build.json","version"]}}`, "Way: "},
		"too_long_override": {"ParameterOverrides", fmt.Sprintf(`{"Way":%q}`, strings.Repeat("x", overridesLimit)), "exceed CodePipeline's limit of 1024"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploySettings()
			s[tc.key] = tc.value
			if _, err := readChangeSet(s, in); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func FuzzOverrides(f *testing.F) {
	f.Add(`{"a":"b"}`)
	f.Fuzz(func(_ *testing.T, text string) { _, _ = overrides(text) })
}
