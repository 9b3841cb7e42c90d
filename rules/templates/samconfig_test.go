package templates

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// samconfig: SAM's build cache checks only cmd/<function>, and returns stale binaries
// after a change in internal/ or contracts/.
func samconfig(text string) []string {
	var out []string
	if regexp.MustCompile(`(?m)^\s*cached\s*=\s*true`).MatchString(text) {
		out = append(out, "cached = true builds stale binaries")
	}
	builds := regexp.MustCompile(`(?m)^\[([a-z]+)\.build\.parameters\]\n((?:[^\[\n][^\n]*\n|\n)*)`).FindAllStringSubmatch(text, -1)
	if len(builds) == 0 {
		out = append(out, "no [<environment>.build.parameters] with cached = false")
	}
	for _, build := range builds {
		if !regexp.MustCompile(`(?m)^cached = false$`).MatchString(build[2]) {
			out = append(out, "["+build[1]+".build.parameters] does not have cached = false")
		}
	}
	return out
}

func TestSamconfig(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, template := range repository.Templates(t) {
		if seen[repository.Dir(template)] {
			continue
		}
		seen[repository.Dir(template)] = true
		path := filepath.Join(repository.Root, repository.Dir(template), "samconfig.toml")
		if !repository.Exists(repository.Short(path)) {
			t.Errorf("%s: no samconfig.toml", repository.Dir(template))
			continue
		}
		for _, finding := range samconfig(repository.Read(t, path)) {
			t.Errorf("%s: %s", repository.Short(path), finding)
		}
	}
}

func TestSamconfigPlanted(t *testing.T) {
	t.Parallel()
	const good = "version = 0.1\n\n[local.build.parameters]\ncached = false\nparallel = true\n\n[dev.deploy.parameters]\nx = 1\n"
	for name, tc := range map[string]struct{ text, want string }{
		"good":      {good, ""},
		"cached":    {strings.Replace(good, "false", "true", 1), "stale binaries"},
		"unstated":  {strings.Replace(good, "cached = false\n", "", 1), "does not have"},
		"no_build":  {"version = 0.1\n", "no [<environment>"},
		"elsewhere": {strings.Replace(good, "cached = false\nparallel = true\n\n[dev.deploy.parameters]\n", "\n[dev.deploy.parameters]\ncached = false\n", 1), "does not have"},
	} {
		got := strings.Join(samconfig(tc.text), "\n")
		if (tc.want == "") != (got == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
