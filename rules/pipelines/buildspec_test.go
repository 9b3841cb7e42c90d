package pipelines

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
)

// specFiles are the buildspecs, and the files that they are compared with.
func specFiles() []string {
	return []string{"pipeline/buildspec.yml", "pipeline/testspec.yml", "pipeline/artifactspec.yml", "go.work", "Makefile", pythonFile}
}

// pythonFile names the versions of Python that the tools are installed with, the one that
// CI has first.
const pythonFile = "tools/internal/pythontools/tools.go"

// specFindings: the buildspecs only call make, so a laptop can do the same. Every build
// uses the same release of Go, because another release compiles other bytes, and the
// version of Python that CI tests with, because without one CodeBuild takes its image's
// default, which was 3.14 in amazonlinux-aarch64-standard:4.0 when each of buildImages had
// 3.11 (runtimes.yml and Dockerfile in github.com/aws/aws-codebuild-docker-images, 2026-04).
func specFindings(text map[string]string) []string {
	var out []string
	language := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(text["go.work"])
	if language == nil {
		return []string{"go.work has no version of Go"}
	}
	python := regexp.MustCompile(`"python(3\.\d+)"`).FindStringSubmatch(text[pythonFile])
	toolchains := map[string]bool{}
	for _, file := range specFiles()[:3] {
		say := func(format string, args ...any) { out = append(out, file+": "+fmt.Sprintf(format, args...)) }
		var spec buildspec
		if err := yaml.Unmarshal([]byte(text[file]), &spec); err != nil {
			say("yaml.Unmarshal: %v", err)
			continue
		}
		if got := spec.Phases["install"].Runtimes["golang"]; got != language[1] {
			say("the runtime golang is %q, but go.work has %s", got, language[1])
		}
		if got := spec.Phases["install"].Runtimes["python"]; python == nil || got != python[1] {
			say("the runtime python is %q, but %s, which CI runs, names %q first", got, pythonFile, python)
		}
		if regexp.MustCompile(`(?m)^cache:`).MatchString(text[file]) {
			say("has a cache, which builds of commits that nobody approved would write too")
		}
		toolchain := spec.Env.Variables["GOTOOLCHAIN"]
		toolchains[toolchain] = true
		if !regexp.MustCompile(`^go` + regexp.QuoteMeta(language[1]) + `\.\d+$`).MatchString(toolchain) {
			say("GOTOOLCHAIN is %q, want one release such as go%s.8: images have various ones", toolchain, language[1])
		}
		if regexp.MustCompile(`(?m)^[^#\n]*\blatest\b`).MatchString(text[file]) {
			say("contains latest; use a version")
		}
		for _, name := range slices.Sorted(maps.Keys(spec.Phases)) {
			for _, command := range spec.Phases[name].Commands {
				if finding := commandFinding(command, text["Makefile"]); finding != "" {
					say("%s: %s: %s", name, command, finding)
				}
			}
		}
	}
	if len(toolchains) > 1 {
		out = append(out, fmt.Sprintf("the buildspecs differ in GOTOOLCHAIN: %v", slices.Sorted(maps.Keys(toolchains))))
	}
	return out
}

// commandFinding: a command is one call of make with variables, or stores its output.
func commandFinding(command, makefile string) string {
	m := regexp.MustCompile(`^(?:export [A-Z]+="\$\()?make (?:--silent )?([a-z-]+)((?: [A-Z_]+=(?:"\$[A-Za-z_]+"|[a-z/]+))*)(?:\)")?$`).FindStringSubmatch(command)
	switch {
	case m == nil:
		return "is more than one call of make; add a target, so that a laptop can do the same"
	case !regexp.MustCompile(`(?m)^` + m[1] + `:`).MatchString(makefile):
		return "the Makefile has no target " + m[1]
	}
	for _, name := range regexp.MustCompile(` ([A-Z_]+)=`).FindAllStringSubmatch(m[2], -1) {
		if !strings.Contains(makefile, "$("+name[1]+")") && !strings.Contains(makefile, "$(or $("+name[1]+")") {
			return "no target reads " + name[1]
		}
	}
	return ""
}

func specTexts(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, file := range specFiles() {
		out[file] = repository.Read(t, filepath.Join(repository.Root, filepath.FromSlash(file)))
	}
	return out
}

func TestBuildspecs(t *testing.T) {
	t.Parallel()
	repository.Report(t, specFindings(specTexts(t)))
}

func TestBuildspecsPlanted(t *testing.T) {
	t.Parallel()
	const build, test = "pipeline/buildspec.yml", "pipeline/testspec.yml"
	for name, p := range map[string]struct{ file, old, new, want string }{
		"older_runtime":    {build, "golang: '1.26'", "golang: '1.25'", `golang is "1.25"`},
		"newest_runtime":   {test, "golang: '1.26'", "golang: latest", "contains latest"},
		"work_moved_on":    {"go.work", "go 1.26", "go 1.27", "go.work has 1.27"},
		"any_toolchain":    {build, "GOTOOLCHAIN: go1.26.8", "GOTOOLCHAIN: local", `GOTOOLCHAIN is "local"`},
		"approved_another": {"pipeline/artifactspec.yml", "GOTOOLCHAIN: go1.26.8", "GOTOOLCHAIN: go1.26.7", "differ in GOTOOLCHAIN"},
		"older_python":     {build, "python: '3.11'", "python: '3.10'", `python is "3.10"`},
		"any_python":       {test, "      python: '3.11'", "      #", `python is ""`},
		"ci_moved_on":      {pythonFile, `"python3.11"`, `"python3.12"`, `python is "3.11"`},
		"cached":           {build, "artifacts:\n", "cache: {paths: [/go/pkg/mod/**/*]}\nartifacts:\n", "has a cache"},
		"no_patch":         {build, "GOTOOLCHAIN: go1.26.8", "GOTOOLCHAIN: go1.26", "want one release"},
		"no_toolchain":     {test, "GOTOOLCHAIN: go1.26.8", "OTHER: a", "want one release"},
		"two_toolchains":   {test, "GOTOOLCHAIN: go1.26.8", "GOTOOLCHAIN: go1.26.9", "differ in GOTOOLCHAIN"},
		"installs":         {build, "      - make verify", "      - pip install aws-sam-cli\n      - make verify", "more than one call of make"},
		"chained":          {build, `make verify SERVICE="$SERVICE"`, `make verify SERVICE="$SERVICE" || true`, "more than one call of make"},
		"unquoted":         {test, `CHECK="$CHECK"`, `CHECK=$CHECK`, "more than one call of make"},
		"substituted":      {test, `CHECK="$CHECK"`, `CHECK="$(curl example.org)"`, "more than one call of make"},
		"unknown_target":   {build, "make verify", "make verifies", "no target verifies"},
		"unknown_variable": {build, "make verify SERVICE=", "make verify SERVICES=", "no target reads SERVICES"},
		"not_yaml":         {test, "phases:", "phases: [", "yaml.Unmarshal"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := specTexts(t)
			if !strings.Contains(text[p.file], p.old) {
				t.Fatalf("the text to replace is missing: %s", p.old)
			}
			text[p.file] = strings.Replace(text[p.file], p.old, p.new, 1)
			if got := strings.Join(specFindings(text), "\n"); !strings.Contains(got, p.want) {
				t.Errorf("findings %q, want one with %q", got, p.want)
			}
		})
	}
}
