package templates

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

const maxTemplateLines = 400

// parameters: every parameter documents and checks its values, and the parameters are
// in alphabetical order.
func parameters(all []*template.Template) []string {
	example := regexp.MustCompile(`Example|such as`)
	arn := regexp.MustCompile(`arn:[^:]*:?`)
	var out []string
	for _, t := range all {
		before := ""
		for key, p := range template.Pairs(template.Get(t.Root, "Parameters")) {
			say := func(format string, args ...any) {
				out = append(out, fmt.Sprintf("%s: parameter %s ", t.Path, key.Value)+fmt.Sprintf(format, args...))
			}
			if key.Value < before {
				say("is after %s; parameters must be in alphabetical order", before)
			}
			before = key.Value
			description := template.Text(template.Get(p, "Description"))
			if description == "" {
				say("has no Description")
			}
			if template.Get(p, "AllowedValues") == nil && !example.MatchString(description+t.CommentAbove(key.Line)) {
				say("has no example, neither in the Description nor above it")
			}
			// SAM and Cognito do other things in other partitions: docs/limits.md.
			for _, partition := range arn.FindAllString(template.Text(template.Get(p, "AllowedPattern")), -1) {
				if partition != "arn:aws:" {
					say("accepts ARNs of other partitions; write arn:aws:")
				}
			}
			bounded := template.Text(template.Get(p, "Type")) == "Number" && (template.Get(p, "MinValue") != nil || template.Get(p, "MaxValue") != nil)
			if !bounded && template.Get(p, "AllowedPattern") == nil && template.Get(p, "AllowedValues") == nil {
				say("accepts any value: no AllowedPattern, AllowedValues or bounds")
			}
		}
		for key, o := range template.Pairs(template.Get(t.Root, "Outputs")) {
			if template.Text(template.Get(o, "Description")) == "" {
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
	repository.Report(t, parameters(repository.Templates(t)))
}

func TestParametersPlanted(t *testing.T) {
	t.Parallel()
	repository.Plant(t, parameters, map[string]repository.Planted{
		"order":          {"  LogRetentionDays:\n    Type", "  ALogRetentionDays:\n    Type", "alphabetical"},
		"no_description": {"    Description: Days that log lines are kept\n", "", "no Description"},
		"no_example":     {"  # Example: 30\n", "", "no example"},
		"no_values":      {"    AllowedValues: [local, dev]\n", "", "accepts any value"},
		"no_bounds":      {"    MinValue: 1\n    MaxValue: 90\n", "", "accepts any value"},
		"any_partition":  {"    MinValue: 1\n    MaxValue: 90\n", "    AllowedPattern: ^$|^arn:aws[a-z-]*:kms:.+$\n", "other partitions"},
		"bare_output":    {"    Description: The topic\n", "", "output TopicArn"},
		"too_long":       {"Outputs:", strings.Repeat("\n", 400) + "Outputs:", "more than 400"},
	})
}
