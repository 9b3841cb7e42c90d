package builder

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"gatehouse.example/tools/stacks"
)

const samconfig = `
[dev.deploy.parameters]
parameter_overrides = ["Architecture=arm64", "Environment=dev", 'PermissionsBoundaryArn=""', 'DomainName=""']
[test.deploy.parameters]
parameter_overrides = ["Architecture=arm64", "Environment=test", 'PermissionsBoundaryArn=""', 'DomainName=""']
[production.deploy.parameters]
parameter_overrides = ["Architecture=arm64", "Environment=production", "PermissionsBoundaryArn=arn:aws:iam::123456789012:policy/own", 'DomainName=""']
`

const oneTemplate = `
Parameters: {Architecture: {Type: String}, Environment: {Type: String}, PermissionsBoundaryArn: {Type: String}, DomainName: {Type: String}}
Resources: {}
`

// repository has one service, with an error planted in its samconfig.
func repository(t *testing.T, old, replacement string) (Build, stacks.Stack) {
	t.Helper()
	if !strings.Contains(samconfig, old) {
		t.Fatalf("nothing to plant at: %s", old)
	}
	root := t.TempDir()
	for path, text := range map[string]string{
		"services/guard/samconfig.toml": strings.ReplaceAll(samconfig, old, replacement),
		"services/guard/template.yaml":  oneTemplate,
		stacks.StackPolicy:              `{"Statement": []}`,
	} {
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := stacks.Read(filepath.Join(root, "services", "guard"))
	if err != nil {
		t.Fatal(err)
	}
	b := Build{Root: root, Service: "guard", Out: filepath.Join(root, "build", "guard"), Log: io.Discard}
	if err := b.clear([]string{configDir, sbomDir}); err != nil {
		t.Fatal(err)
	}
	return b, s
}

func TestConfigurations(t *testing.T) {
	t.Parallel()
	b, s := repository(t, "dev", "dev")
	configs, err := b.configs(s)
	if err != nil {
		t.Fatal(err)
	}
	b.Architecture = "x86_64"
	if got, err := b.architecture(s, configs); got != "x86_64" || err != nil {
		t.Errorf("architecture %s, %v", got, err)
	}
	if err := b.writeConfigs(configs); err != nil {
		t.Fatal(err)
	}
	want := map[string]map[string]string{
		"dev":        {"Architecture": "x86_64", "Environment": "dev", "DomainName": ""},
		"test":       {"Architecture": "x86_64", "Environment": "test", "DomainName": ""},
		"production": {"Architecture": "x86_64", "Environment": "production", "DomainName": "", "PermissionsBoundaryArn": "arn:aws:iam::123456789012:policy/own"},
	}
	for environment, parameters := range want {
		raw, err := os.ReadFile(filepath.Join(b.Out, "config", environment+".json"))
		if err != nil {
			t.Fatal(err)
		}
		var got configuration
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(parameters, got.Parameters); diff != "" {
			t.Errorf("%s: parameters (-want +got):\n%s", environment, diff)
		}
		if diff := cmp.Diff(map[string]string{"Application": "gatehouse", "Environment": environment, "Service": "guard"}, got.Tags); diff != "" {
			t.Errorf("%s: tags (-want +got):\n%s", environment, diff)
		}
		if !strings.Contains(string(got.StackPolicy), "Statement") {
			t.Errorf("%s: stack policy %s", environment, got.StackPolicy)
		}
	}
}

func TestConfigurationsRefuse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ old, new, want string }{
		"unknown_parameter":   {`'DomainName=""'`, `"Domain=x"`, "template.yaml has no parameter Domain"},
		"another_environment": {"Environment=test", "Environment=dev", "[test.deploy.parameters]: set Environment=test"},
		"no_block":            {"[production.deploy.parameters]", "[other.deploy.parameters]", "[production.deploy.parameters]"},
		"two_architectures":   {`"Architecture=arm64", "Environment=test"`, `"Architecture=x86_64", "Environment=test"`, "differ in Architecture"},
		"no_architecture":     {"Architecture=arm64", "Architecture=mips", "neither arm64 nor x86_64"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, s := repository(t, tc.old, tc.new)
			configs, err := b.configs(s)
			if err == nil {
				_, err = b.architecture(s, configs)
			}
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	b, _ := repository(t, "dev", "dev")
	for name, text := range map[string]string{packagedFile: "12345", aboutFile: "12345"} {
		if err := b.write(name, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		template, artifact int64
		want               string
	}{{6, 11, ""}, {5, 11, "packaged.yaml has 5 bytes"}, {6, 10, "has 10 bytes"}} {
		err := b.limits(tc.template, tc.artifact)
		if (tc.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("limits %d, %d: got %v, want %q", tc.template, tc.artifact, err, tc.want)
		}
	}
}

func TestBuildNamesTheCommit(t *testing.T) {
	t.Parallel()
	for commit, want := range map[string]string{"0123abcd": "0123abcd", "": "unknown"} {
		b, _ := repository(t, "dev", "dev")
		b.Commit = commit
		if err := b.write(packagedFile, []byte("x")); err != nil {
			t.Fatal(err)
		}
		if err := b.writeAbout(t.Context(), "arm64", []function{{LogicalID: "F", SHA256: "s"}}, map[string]string{"code/guard/1": "2"}); err != nil {
			t.Fatal(err)
		}
		raw, err := os.ReadFile(filepath.Join(b.Out, aboutFile))
		if err != nil {
			t.Fatal(err)
		}
		var got about
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		// The first half of the packaged template's SHA-256, which is that of "x".
		if got.Commit != want || got.Version != "2d711642b726b044" || got.Service != "guard" || len(got.Functions) != 1 ||
			!strings.HasPrefix(got.Files[packagedFile], got.Version) || got.Objects["code/guard/1"] != "2" {
			t.Errorf("build.json: %+v", got)
		}
	}
}

func TestRegionIsFromTheShell(t *testing.T) {
	t.Parallel()
	b := Build{Environ: []string{"PATH=/bin", "AWS_DEFAULT_REGION=eu-west-1"}}
	if got := b.region(); got != "eu-west-1" {
		t.Errorf("region %s", got)
	}
	if got := (Build{}).region(); got != "us-east-1" {
		t.Errorf("region %s without any setting", got)
	}
}

// CodeBuild uploads exactly the files of an artifact.
func TestBuildspecListsAllFiles(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "pipeline", "buildspec.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var spec struct {
		Artifacts struct{ Files []string }
	}
	if err := yaml.Unmarshal(raw, &spec); err != nil {
		t.Fatal(err)
	}
	files := []string{packagedFile, aboutFile, checksumsFile, configDir + "/*.json", sbomDir + "/*.cdx.json"}
	if diff := cmp.Diff(slices.Sorted(slices.Values(files)), slices.Sorted(slices.Values(spec.Artifacts.Files))); diff != "" {
		t.Errorf("artifacts (-made +buildspec):\n%s", diff)
	}
}

func TestUnknownServiceIsNamed(t *testing.T) {
	t.Parallel()
	b, _ := repository(t, "dev", "dev")
	b.Service = "nobody"
	if err := b.Package(t.Context()); err == nil || !strings.Contains(err.Error(), `no service is named "nobody"; set SERVICE= to one of guard`) {
		t.Errorf("got %v", err)
	}
}
