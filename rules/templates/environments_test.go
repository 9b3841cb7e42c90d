package templates

import (
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/sam"
	"gatehouse.example/tools/template"
)

// environments: a stack can be deployed to each environment, under its name and with a
// value for every parameter. A missing value would be the template's default in one
// environment only.
func environments(dir, samconfig string, declared []string) []string {
	var out, capabilities []string
	for _, env := range []string{"local", "dev", "test", "production"} {
		cfg, err := sam.ReadConfig(samconfig, env)
		if err != nil {
			return []string{err.Error()}
		}
		say := func(format string, args ...any) {
			out = append(out, fmt.Sprintf("%s/samconfig.toml: [%s.deploy.parameters] ", dir, env)+fmt.Sprintf(format, args...))
		}
		if want := "gatehouse-" + env + "-" + path.Base(dir); cfg.StackName != want {
			say("must have stack_name = %q", want)
			continue
		}
		// The local capabilities are enough everywhere. Fewer would fail in a deployment.
		if env == "local" {
			capabilities = cfg.Capabilities
		} else if !slices.Equal(cfg.Capabilities, capabilities) {
			say("has the capabilities %v, but the local block has %v", cfg.Capabilities, capabilities)
		}
		given := slices.Sorted(maps.Keys(cfg.Parameters))
		for _, name := range declared {
			if !slices.Contains(given, name) {
				say("omits the parameter %s", name)
			}
		}
		for _, name := range given {
			if !slices.Contains(declared, name) {
				say("sets %s, which is not a parameter of the template", name)
			}
		}
		if got := cfg.Parameters["Environment"]; got != env {
			say("has Environment=%s", got)
		}
		for name, where := range map[string][]string{"OnAws": {"dev", "test", "production"}, "GradualDeployment": {"test", "production"}} {
			want := strconv.FormatBool(slices.Contains(where, env))
			if got, has := cfg.Parameters[name]; has && got != want {
				say("has %s=%s, want %s", name, got, want)
			}
		}
	}
	return out
}

func TestEnvironments(t *testing.T) {
	t.Parallel()
	for _, one := range repository.Templates(t) {
		if path.Base(one.Path) != "template.yaml" || strings.HasPrefix(one.Path, "examples/") {
			continue
		}
		var declared []string
		for key := range template.Pairs(template.Get(one.Root, "Parameters")) {
			declared = append(declared, key.Value)
		}
		repository.Report(t, environments(repository.Dir(one), filepath.Join(repository.Root, repository.Dir(one), "samconfig.toml"), declared))
	}
}

func TestEnvironmentsPlanted(t *testing.T) {
	t.Parallel()
	var good strings.Builder
	for _, env := range []string{"local", "dev", "test", "production"} {
		fmt.Fprintf(&good, "[%[1]s.deploy.parameters]\nstack_name = \"gatehouse-%[1]s-x\"\nparameter_overrides = \"Environment=%[1]s OnAws=%[2]v GradualDeployment=%[3]v Days='30'\"\n", env, env != "local", env == "test" || env == "production")
	}
	for name, tc := range map[string]repository.Planted{
		"good":               {"", "", ""},
		"no_block":           {"[test.deploy", "[tset.deploy", "[test.deploy.parameters] must have stack_name"},
		"wrong_stack":        {"gatehouse-production-x", "gatehouse-test-x", "[production.deploy.parameters] must have stack_name"},
		"left_out":           {"Environment=test OnAws=true GradualDeployment=true Days='30'", "Environment=test OnAws=true GradualDeployment=true", "[test.deploy.parameters] omits the parameter Days"},
		"unknown":            {"Environment=dev", "Environment=dev Nothing=1", "[dev.deploy.parameters] sets Nothing"},
		"another":            {"Environment=production", "Environment=test", "[production.deploy.parameters] has Environment=test"},
		"not_on_aws":         {"Environment=production OnAws=true", "Environment=production OnAws=false", "has OnAws=false, want true"},
		"at_once":            {"Environment=production OnAws=true GradualDeployment=true", "Environment=production OnAws=true GradualDeployment=false", "[production.deploy.parameters] has GradualDeployment=false, want true"},
		"gradual_in_dev":     {"Environment=dev OnAws=true GradualDeployment=false", "Environment=dev OnAws=true GradualDeployment=true", "[dev.deploy.parameters] has GradualDeployment=true, want false"},
		"fewer_capabilities": {"gatehouse-test-x\"\n", "gatehouse-test-x\"\ncapabilities = \"CAPABILITY_IAM\"\n", "[test.deploy.parameters] has the capabilities [CAPABILITY_IAM], but the local block has []"},
		"not_toml":           {"[test.deploy", "[[test.deploy", "toml"},
	} {
		file := filepath.Join(t.TempDir(), "samconfig.toml")
		if err := os.WriteFile(file, []byte(strings.Replace(good.String(), tc[0], tc[1], 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		got := strings.Join(environments("services/x", file, []string{"Days", "Environment", "GradualDeployment", "OnAws"}), "\n")
		if (tc[2] == "") != (got == "") || !strings.Contains(got, tc[2]) {
			t.Errorf("%s: %q, want %q", name, got, tc[2])
		}
	}
}
