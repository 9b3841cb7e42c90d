package templates

import (
	"fmt"
	"maps"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// names: each SSM name that is read has one writer, which is the service in the name,
// and no two stacks depend on each other.
func names(all []*template.Template) []string {
	shape := regexp.MustCompile(`^/gatehouse/(?:\$\{Environment\}|tools)/([a-z0-9-]+)/[a-z0-9]+(-[a-z0-9]+)*$`)
	var out []string
	n := repository.NamesOf(all)
	for name, writers := range n.Writers {
		m := shape.FindStringSubmatch(name)
		if m == nil {
			out = append(out, fmt.Sprintf("%v: SSM name %s is not /gatehouse/${Environment}/{service}/{resource}", writers, name))
		} else if m[1] != path.Base(writers[0]) {
			out = append(out, fmt.Sprintf("%v: SSM name %s belongs to another service", writers, name))
		}
		if len(writers) != 1 {
			out = append(out, fmt.Sprintf("SSM name %s has the writers %v", name, writers))
		}
	}
	for name, readers := range n.Readers {
		if len(n.Writers[name]) == 0 {
			out = append(out, fmt.Sprintf("%v: SSM name %s has no writer", readers, name))
		}
	}
	for _, t := range all {
		if strings.Contains(strings.Join(t.Lines, "\n"), "AWS::SSM::Parameter::Value<") {
			out = append(out, t.Path+": use {{resolve:ssm:...}}; SAM puts the name where the value of an SSM parameter type belongs")
		}
	}
	if _, err := graphOf(all).Levels(); err != nil {
		out = append(out, err.Error())
	}
	slices.Sort(out)
	return out
}

// graphOf returns, for every stack, the stacks that it reads from.
func graphOf(templates []*template.Template) stacks.Graph {
	names := repository.NamesOf(templates)
	graph := stacks.Graph{}
	for _, t := range templates {
		graph[repository.Dir(t)] = nil
	}
	for name, readers := range names.Readers {
		for _, reader := range readers {
			for _, writer := range names.Writers[name] {
				if writer != reader && !slices.Contains(graph[reader], writer) {
					graph[reader] = append(graph[reader], writer)
				}
			}
		}
	}
	for _, from := range graph {
		slices.Sort(from)
	}
	return graph
}

// documented: a stack's README lists the names that the stack writes, and no name that
// no stack writes. So names remain that only a person or another team reads.
func documented(page, text, service string, n repository.Names) []string {
	section := regexp.MustCompile(`(?ims)^## SSM names.*?(^## |\z)`).FindString(text)
	quoted := regexp.MustCompile("`([a-z0-9{}/-]+)`").FindAllStringSubmatch(section, -1)
	var out []string
	for name := range n.Writers {
		short := strings.TrimPrefix(name, "/gatehouse/${Environment}/")
		says := func(m []string) bool {
			return strings.HasSuffix("/"+m[1], "/"+short) || service+"/"+m[1] == short
		}
		if path.Dir(short) == service && !slices.ContainsFunc(quoted, says) {
			out = append(out, page+": SSM name "+short+" is missing below 'SSM names'")
		}
	}
	for _, m := range quoted {
		name := strings.TrimPrefix(m[1], "/gatehouse/{environment}/")
		written := func(full string) bool { return strings.HasSuffix(full, "/"+name) }
		if regexp.MustCompile(`-(arn|id|name|url)$|/domain$`).MatchString(name) && !slices.ContainsFunc(slices.Collect(maps.Keys(n.Writers)), written) {
			out = append(out, page+": SSM name "+name+" has no writer")
		}
	}
	slices.Sort(out)
	return out
}

func TestNamesAreDocumented(t *testing.T) {
	t.Parallel()
	n := repository.NamesOf(repository.Templates(t))
	for _, s := range repository.Stacks(t) {
		page := path.Join(s.Folder, "README.md")
		repository.Report(t, documented(page, repository.Read(t, filepath.Join(repository.Root, page)), s.Name, n))
	}
}

func TestNamesAreDocumentedPlanted(t *testing.T) {
	t.Parallel()
	n := repository.NamesOf([]*template.Template{repository.MustParse(t, "services/good/template.yaml", repository.Good(t)), repository.MustParse(t, "services/other/template.yaml", repository.Other)})
	for text, want := range map[string]int{
		"## SSM names\n`topic-arn`, `/gatehouse/{environment}/other/some-arn`, `some-arn`, `arn`\n## More\n`x-arn`": 0,
		"## SSM names\n`good/topic-arn`":                  0,
		"## SSM names\n`other/topic-arn`":                 2,
		"## SSM names\n`topic-arn` `bus-arn`":             1,
		"`topic-arn`\n## SSM names\n## More\n`topic-arn`": 1,
	} {
		if got := documented("README.md", text, "good", n); len(got) != want {
			t.Errorf("%q: findings %q, want %d", text, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	repository.Report(t, names(repository.Templates(t)))
}

func TestNamesPlanted(t *testing.T) {
	t.Parallel()
	repository.Plant(t, names, map[string]repository.Planted{
		"no_writer":      {"other/some-arn}}", "other/no-arn}}", "other/no-arn has no writer"},
		"two_writers":    {"/good/topic-arn", "/other/some-arn", "has the writers"},
		"others_name":    {"/good/topic-arn", "/other/topic-arn", "belongs to another service"},
		"upper_case":     {"/good/topic-arn", "/good/topicArn", "is not /gatehouse/"},
		"no_environment": {"/gatehouse/${Environment}/good/topic-arn", "/gatehouse/dev/good/topic-arn", "is not /gatehouse/"},
		"ssm_type":       {"Type: Number", "Type: AWS::SSM::Parameter::Value<String>", "use {{resolve:ssm"},
	})
}

// TestDeployOrder compares the graph with the documented order.
func TestDeployOrder(t *testing.T) {
	t.Parallel()
	readme := []string{"services/log-encryptor", "services/user-events", "services/signup-guard", "services/messages", "services/migration", "services/passwordless", "services/signin-audit", "platform", "services/api"}
	graph := graphOf(repository.Templates(t))
	for i, stack := range readme {
		for _, from := range graph[stack] {
			if !slices.Contains(readme[:i], from) {
				t.Errorf("%s reads from %s, which the documented order deploys later", stack, from)
			}
		}
	}
}

func TestCycleIsFound(t *testing.T) {
	t.Parallel()
	one := repository.MustParse(t, "services/a/template.yaml", `
Resources:
  P: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub "/gatehouse/${Environment}/a/x", Value: !Sub "{{resolve:ssm:/gatehouse/${Environment}/b/x}}"}}
`)
	two := repository.MustParse(t, "services/b/template.yaml", `
Resources:
  P: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub "/gatehouse/${Environment}/b/x", Value: !Sub "{{resolve:ssm:/gatehouse/${Environment}/a/x}}"}}
`)
	if f := names([]*template.Template{one, two}); len(f) != 1 || !strings.Contains(f[0], "cycle") {
		t.Errorf("findings %v", f)
	}
}
