package rules_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gatehouse.example/rules"
)

const maxTemplateLines = 400

// parameters: whoever deploys a stack sees what each parameter takes, and in
// which order to look for it.
func parameters(all []*rules.Template) []string {
	example := regexp.MustCompile(`Example|such as`)
	var out []string
	for _, t := range all {
		before := ""
		for key, p := range rules.Pairs(rules.Get(t.Root, "Parameters")) {
			say := func(format string, args ...any) {
				out = append(out, fmt.Sprintf("%s: parameter %s ", t.Path, key.Value)+fmt.Sprintf(format, args...))
			}
			if key.Value < before {
				say("stands after %s; they are in alphabetical order", before)
			}
			before = key.Value
			description := rules.Text(rules.Get(p, "Description"))
			if description == "" {
				say("has no Description")
			}
			if rules.Get(p, "AllowedValues") == nil && !example.MatchString(description+t.CommentAbove(key.Line)) {
				say("has no example, neither in the Description nor above it")
			}
			bounded := rules.Text(rules.Get(p, "Type")) == "Number" && (rules.Get(p, "MinValue") != nil || rules.Get(p, "MaxValue") != nil)
			if !bounded && rules.Get(p, "AllowedPattern") == nil && rules.Get(p, "AllowedValues") == nil {
				say("takes anything: no AllowedPattern, AllowedValues or bounds")
			}
		}
		for key, o := range rules.Pairs(rules.Get(t.Root, "Outputs")) {
			if rules.Text(rules.Get(o, "Description")) == "" {
				out = append(out, fmt.Sprintf("%s: output %s has no Description", t.Path, key.Value))
			}
		}
		if n := len(t.Lines) - 1; n > maxTemplateLines {
			out = append(out, fmt.Sprintf("%s: %d lines, more than %d", t.Path, n, maxTemplateLines))
		}
	}
	return out
}

func TestParameters(t *testing.T) {
	t.Parallel()
	report(t, parameters(templates(t)))
}

func TestParametersPlanted(t *testing.T) {
	t.Parallel()
	plant(t, parameters, map[string]planted{
		"order":          {"  LogRetentionDays:\n    Type", "  ALogRetentionDays:\n    Type", "alphabetical"},
		"no_description": {"    Description: Days that log lines are kept\n", "", "no Description"},
		"no_example":     {"  # Example: 30\n", "", "no example"},
		"no_values":      {"    AllowedValues: [local, dev]\n", "", "takes anything"},
		"no_bounds":      {"    MinValue: 1\n    MaxValue: 90\n", "", "takes anything"},
		"bare_output":    {"    Description: The topic\n", "", "output TopicArn"},
		"too_long":       {"Outputs:", strings.Repeat("\n", 400) + "Outputs:", "more than 400"},
	})
}
