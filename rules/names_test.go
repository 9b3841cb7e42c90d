package rules_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules"
)

// names: a name that is read has one writer, the writer is the service in the
// name, and no two stacks wait for each other.
func names(all []*rules.Template) []string {
	shape := regexp.MustCompile(`^/gatehouse/\$\{Environment\}/([a-z0-9-]+)/[a-z0-9]+(-[a-z0-9]+)*$`)
	var out []string
	n := rules.NamesOf(all)
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
	if _, err := rules.Order(rules.Graph(all)); err != nil {
		out = append(out, err.Error())
	}
	slices.Sort(out)
	return out
}

func TestNames(t *testing.T) {
	t.Parallel()
	report(t, names(templates(t)))
}

func TestNamesPlanted(t *testing.T) {
	t.Parallel()
	plant(t, names, map[string]planted{
		"no_writer":      {"other/some-arn}}", "other/no-arn}}", "other/no-arn has no writer"},
		"two_writers":    {"/good/topic-arn", "/other/some-arn", "has the writers"},
		"others_name":    {"/good/topic-arn", "/other/topic-arn", "belongs to another service"},
		"upper_case":     {"/good/topic-arn", "/good/topicArn", "is not /gatehouse/"},
		"no_environment": {"/gatehouse/${Environment}/good/topic-arn", "/gatehouse/dev/good/topic-arn", "is not /gatehouse/"},
		"ssm_type":       {"Type: Number", "Type: AWS::SSM::Parameter::Value<String>", "use {{resolve:ssm"},
	})
}

// TestDeployOrder is the order of the README's table, as far as the stacks exist.
func TestDeployOrder(t *testing.T) {
	t.Parallel()
	order, err := rules.Order(rules.Graph(templates(t)))
	if err != nil {
		t.Fatalf("rules.Order: %v", err)
	}
	t.Logf("deploy order: %s", strings.Join(order, ", "))
	documented := []string{"services/log-encryptor", "services/user-events", "services/signup-guard", "services/signin-audit", "platform"}
	graph := rules.Graph(templates(t))
	for i, stack := range documented {
		for _, from := range graph[stack] {
			if !slices.Contains(documented[:i], from) {
				t.Errorf("%s reads from %s, which the documented order deploys later", stack, from)
			}
		}
	}
}

func TestOrder(t *testing.T) {
	t.Parallel()
	got, err := rules.Order(map[string][]string{"a": {"b"}, "b": nil, "c": {"a", "b"}})
	if err != nil || !slices.Equal(got, []string{"b", "a", "c"}) && !slices.Equal(got, []string{"b", "c", "a"}) {
		t.Errorf("Order = %v, %v", got, err)
	}
	if _, err := rules.Order(map[string][]string{"a": {"b"}, "b": {"a"}, "c": nil}); err == nil || !strings.Contains(err.Error(), "a, b") {
		t.Errorf("a cycle gives %v", err)
	}
}

func TestCycleIsFound(t *testing.T) {
	t.Parallel()
	one := parse(t, "services/a/template.yaml", `
Resources:
  P: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub "/gatehouse/${Environment}/a/x", Value: !Sub "{{resolve:ssm:/gatehouse/${Environment}/b/x}}"}}
`)
	two := parse(t, "services/b/template.yaml", `
Resources:
  P: {Type: AWS::SSM::Parameter, Properties: {Name: !Sub "/gatehouse/${Environment}/b/x", Value: !Sub "{{resolve:ssm:/gatehouse/${Environment}/a/x}}"}}
`)
	if f := names([]*rules.Template{one, two}); len(f) != 1 || !strings.Contains(f[0], "cycle") {
		t.Errorf("findings %v", f)
	}
}
