package pipelines

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"gatehouse.example/tools/pipeline"

	"gatehouse.example/rules/repository"
)

// filterFindings: every input starts the pipeline, every inclusion matches one of
// them, and every exclusion names something that exists.
func filterFindings(p pipeline.Pipeline, in inputs) []string {
	filter := p.Triggers[0].GitConfiguration.Push[0].FilePaths
	idle := map[string]bool{}
	for _, pattern := range filter.Includes {
		idle[pattern] = true
	}
	var out []string
	for _, file := range slices.Sorted(maps.Keys(in)) {
		starts, err := filter.Match(file)
		if err != nil {
			return []string{err.Error()}
		}
		if !starts {
			out = append(out, fmt.Sprintf("%s: a change of %s does not start it (%s)", p.Name, file, in[file]))
		}
		for _, pattern := range filter.Includes {
			if in, _ := (pipeline.Patterns{Includes: []string{pattern}}).Match(file); in {
				delete(idle, pattern)
			}
		}
	}
	for pattern := range idle {
		out = append(out, fmt.Sprintf("%s: the pattern %s matches no file that it is made of", p.Name, pattern))
	}
	for _, pattern := range filter.Excludes {
		for _, one := range alternatives(pattern) {
			if folder, _, _ := strings.Cut(one, "*"); !repository.Exists(folder) {
				out = append(out, fmt.Sprintf("%s: the exclusion %s matches nothing in the repository", p.Name, one))
			}
		}
	}
	return out
}

// alternatives expands a group such as {a,b} of a pattern.
func alternatives(pattern string) []string {
	before, rest, grouped := strings.Cut(pattern, "{")
	group, after, closed := strings.Cut(rest, "}")
	if !grouped || !closed {
		return []string{pattern}
	}
	var out []string
	for _, one := range strings.Split(group, ",") {
		out = append(out, before+one+after)
	}
	return out
}

// serviceInputs returns all inputs of each service. `go list` takes a second for each,
// so the tests share them.
func serviceInputs(t *testing.T) (map[string]inputs, map[string]pipeline.Pipeline) {
	t.Helper()
	services, err := pipelineServices()
	if err != nil {
		t.Fatal(err)
	}
	// Go's test cache does not see what `go list` reads, but this makes it check all files.
	repository.Files(t)
	models, findings := readPipelines(nil, services)
	repository.Report(t, findings)
	all, pipelines := map[string]inputs{}, map[string]pipeline.Pipeline{}
	var mutex sync.Mutex
	var wait sync.WaitGroup
	for _, m := range models {
		if m.mode != "multi" {
			continue
		}
		pipelines[m.service] = m.Pipeline
		wait.Go(func() {
			in, err := stackInputs(repository.Folder(m.service))
			mutex.Lock()
			defer mutex.Unlock()
			all[m.service] = in
			if err != nil {
				t.Error(err)
			}
		})
	}
	shared, err := buildInputs("pipeline/buildspec.yml")
	if err != nil {
		t.Fatal(err)
	}
	wait.Wait()
	for _, in := range all {
		maps.Copy(in, shared)
	}
	return all, pipelines
}

func TestPipelineFilters(t *testing.T) {
	t.Parallel()
	all, pipelines := serviceInputs(t)
	for service, in := range all {
		repository.Report(t, filterFindings(pipelines[service], in))
	}
	// These must be among them; otherwise the rule checks nothing.
	for service, files := range map[string][]string{
		"signup-guard": {"services/signup-guard/cmd/presignup/main.go", "services/signup-guard/internal/domains/domains.txt", "contracts/go.mod", "contracts/types.go", "services/signup-guard/samconfig.toml"},
		"api":          {"services/api/internal/handler/openapi.json", "services/api/domain.yaml"},
		"platform":     {"platform/identity.yaml", "platform/template.yaml"},
		"user-events":  {"pipeline/stack-policy.json", "go.work.sum", "tools/cmd/builder/main.go", "pipeline/tools/go.sum", "tools/sam/gobuild.go", "go.mod", "tools/cmd/install/main.go"},
	} {
		for _, file := range files {
			if _, ok := all[service][file]; !ok {
				t.Errorf("%s: %s is not an input", service, file)
			}
		}
	}
	// Each pattern is needed, and one that is not needed is found.
	for service, p := range pipelines {
		filter := &p.Triggers[0].GitConfiguration.Push[0].FilePaths
		whole := slices.Clone(filter.Includes)
		for i, pattern := range whole {
			filter.Includes = slices.Delete(slices.Clone(whole), i, i+1)
			if len(filterFindings(p, all[service])) == 0 {
				t.Errorf("%s: no finding without the pattern %s", service, pattern)
			}
		}
		filter.Includes = append(slices.Clone(whole), "docs/**")
		if got := filterFindings(p, all[service]); len(got) != 1 || !strings.Contains(got[0], "docs/**") {
			t.Errorf("%s with docs/**: %v", service, got)
		}
		filter.Includes = whole
		excluded := slices.Clone(filter.Excludes)
		filter.Excludes = append(excluded, "tools/internal/{demo,no-such-folder}/**")
		if got := filterFindings(p, all[service]); len(got) != 1 || !strings.Contains(got[0], "no-such-folder") {
			t.Errorf("%s with an exclusion that matches nothing: %v", service, got)
		}
		filter.Excludes = append(excluded, "**/go.mod")
		if got := filterFindings(p, all[service]); len(got) == 0 {
			t.Errorf("%s: the exclusion of every go.mod is not found", service)
		}
	}
}

func TestPipelinesStarted(t *testing.T) {
	t.Parallel()
	services, err := pipelineServices()
	if err != nil {
		t.Fatal(err)
	}
	models, findings := readPipelines(nil, append(services, ""))
	repository.Report(t, findings)
	var all []pipeline.Pipeline
	for _, m := range models {
		if m.mode == "single" {
			all = append(all, m.Pipeline)
		}
	}
	const every = "gatehouse-api gatehouse-log-encryptor gatehouse-messages gatehouse-migration gatehouse-passwordless gatehouse-platform gatehouse-signin-audit gatehouse-signup-guard gatehouse-user-events"
	for changed, want := range map[string]string{
		"services/signup-guard/internal/rules/rules.go": "gatehouse-signup-guard",
		"services/signin-audit/samconfig.toml":          "gatehouse-signin-audit",
		"contracts/types.go":                            every,
		"go.work.sum":                                   every,
		"Makefile":                                      every,
		"pipeline/buildspec.yml":                        every,
		"pipeline/pipeline.yaml":                        "gatehouse-pipelines",
		"pipeline/config/api.json":                      "gatehouse-pipelines",
		"platform/pipelines.yaml":                       "",
		"pipeline/environment.yaml":                     "",
		"pipeline/roles/api.yaml":                       "",
		"platform/identity.yaml":                        "gatehouse-platform",
		"tools/internal/demo/demo.go":                   "",
		"tools/sam/gobuild.go":                          every,
		"e2e/integration/integration_test.go":           "",
		"README.md docs/deploy-aws.md":                  "",
		"services/api/README.md platform/README.md":     "gatehouse-api gatehouse-platform",
	} {
		got, err := pipeline.Started(all, pipeline.Push{Branch: "main", Files: strings.Fields(changed)})
		if err != nil || strings.Join(got, " ") != want {
			t.Errorf("%s starts %v, %v, want %s", changed, got, err, want)
		}
	}
	if got, err := pipeline.Started(all, pipeline.Push{Branch: "feature", Files: []string{"contracts/types.go"}}); err != nil || len(got) > 0 {
		t.Errorf("a push to another branch starts %v, %v", got, err)
	}
}
