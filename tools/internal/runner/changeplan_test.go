package change

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/tools/internal/runner/artifact"
)

// built is an artifact with a template and its configuration.
func built(t *testing.T, files map[string]string) Artifacts {
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
	zip, err := artifact.Pack(dir, names)
	if err != nil {
		t.Fatal(err)
	}
	return Artifacts{"Built": zip}
}

func files() map[string]string {
	return map[string]string{
		"packaged.yaml":    "Resources: {}",
		"config/test.json": `{"Parameters": {"Environment": "test", "Way": "Linear"}, "Tags": {"a": "b"}, "StackPolicy": {"Statement": []}}`,
		"wrong.json":       `{"Parameter": {}}`,
		"large.yaml":       strings.Repeat("#", templateLimit+1),
	}
}

func settings() map[string]string {
	return map[string]string{
		"TemplatePath": "Built::packaged.yaml", "TemplateConfiguration": "Built::config/test.json", "RoleArn": "arn:role",
		"Capabilities": "CAPABILITY_IAM,CAPABILITY_AUTO_EXPAND", "ParameterOverrides": `{"Way":"AllAtOnce","More":""}`,
	}
}

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := Read(settings(), built(t, files()))
	if err != nil {
		t.Fatal(err)
	}
	want := Plan{
		Template: "Resources: {}", Parameters: map[string]string{"Environment": "test", "Way": "AllAtOnce", "More": ""}, Tags: map[string]string{"a": "b"},
		Policy: `{"Statement": []}`, Capabilities: []string{"CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"}, Role: "arn:role",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	in := built(t, files())
	for name, tc := range map[string]struct{ key, value, want string }{
		"other_artifact":    {"TemplatePath", "Source::packaged.yaml", `"Source::packaged.yaml" names no file of an input artifact`},
		"no_such_file":      {"TemplatePath", "Built::template.yaml", "it holds no file template.yaml"},
		"too_large":         {"TemplatePath", "Built::large.yaml", "51201 bytes"},
		"no_configuration":  {"TemplateConfiguration", "Built::config/prod.json", "config/prod.json"},
		"unknown_key":       {"TemplateConfiguration", "Built::wrong.json", `unknown field "Parameter"`},
		"no_role":           {"RoleArn", "", "RoleArn is missing"},
		"no_json":           {"ParameterOverrides", "Way=x", "ParameterOverrides: json.Unmarshal"},
		"function":          {"ParameterOverrides", `{"Way":{"Fn::GetParam":["Built","build.json","version"]}}`, "Way: "},
		"too_long_override": {"ParameterOverrides", fmt.Sprintf(`{"Way":%q}`, strings.Repeat("x", overridesLimit)), "more than CodePipeline's 1024"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := settings()
			s[tc.key] = tc.value
			if _, err := Read(s, in); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func FuzzOverrides(f *testing.F) {
	f.Add(`{"a":"b"}`)
	f.Fuzz(func(_ *testing.T, text string) { _, _ = overrides(text) })
}
