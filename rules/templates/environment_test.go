package templates

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
	"gatehouse.example/tools/template"
)

// variables returns the names in a function's environment, including Globals.
func variables(f template.Resource) []string {
	var out []string
	for _, env := range []*yaml.Node{f.Prop("Environment", "Variables"), template.Get(f.Root, "Globals", "Function", "Environment", "Variables")} {
		for key := range template.Pairs(env) {
			out = append(out, key.Value)
		}
	}
	return out
}

// environment: a template sets every variable that the service's code reads. A missing
// variable may have a default in the code, and then its parameter has no effect.
func environment(all []*template.Template, code func(dir string) string) []string {
	name := regexp.MustCompile(`"([A-Z]+(?:_[A-Z]+)+)"`)
	set := map[string][]string{}
	var out []string
	for _, t := range all {
		for _, f := range t.Resources(repository.FunctionType) {
			has := variables(f)
			set[repository.Dir(t)] = append(set[repository.Dir(t)], has...)
			if len(repository.Grants(f, "sns:Publish")) > 0 && !slices.Contains(has, "TOPIC_ARN") {
				out = append(out, f.String()+": may publish but does not get TOPIC_ARN")
			}
			if repository.Outbox(repository.Grants(f, "sqs:SendMessage")) && !slices.Contains(has, "OUTBOX_URL") {
				out = append(out, f.String()+": may use the outbox but does not get OUTBOX_URL")
			}
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(set)) {
		read := map[string]bool{}
		for _, m := range name.FindAllStringSubmatch(code(dir), -1) {
			if !strings.HasPrefix(m[1], "AWS_") {
				read[m[1]] = true
			}
		}
		for _, variable := range slices.Sorted(maps.Keys(read)) {
			if !slices.Contains(set[dir], variable) {
				out = append(out, fmt.Sprintf("%s: the code reads %s, which no function's Environment sets", dir, variable))
			}
		}
	}
	return out
}

// envCode returns the code of a service that reads its environment, without tests.
func envCode(t *testing.T) func(dir string) string {
	return func(dir string) string {
		var text strings.Builder
		for _, file := range repository.Files(t, ".go") {
			if strings.HasPrefix(filepath.ToSlash(repository.Short(file)), dir+"/") && !strings.HasSuffix(file, "_test.go") && strings.Contains(repository.Read(t, file), "getenv") {
				text.WriteString(repository.Read(t, file))
			}
		}
		return text.String()
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	repository.Report(t, environment(repository.Templates(t), envCode(t)))
}

func TestEnvironmentPlanted(t *testing.T) {
	t.Parallel()
	check := func(all []*template.Template) []string {
		return environment(all, func(string) string { return `getenv("POOL") getenv("AWS_REGION") getenv("CHECK_IT") "OUTBOX_URL"` })
	}
	repository.Plant(t, check, map[string]repository.Planted{
		"variable_lost": {"CHECK_IT: yes, ", "", "the code reads CHECK_IT"},
		"no_topic":      {"TOPIC_ARN: !Ref Topic, ", "", "does not get TOPIC_ARN"},
		"no_outbox":     {"OUTBOX_URL: !Ref Outbox, ", "", "does not get OUTBOX_URL"},
	})
}
