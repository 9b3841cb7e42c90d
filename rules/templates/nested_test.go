package templates

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// nestedReferences: a nested stack's parameter that gets a dynamic reference accepts the
// text of the reference. "Get values stored in other services using dynamic references"
// in the CloudFormation User Guide says that CloudFormation resolves them during stack
// and change set operations; it does not say whether that is before or after a nested
// stack checks its AllowedPattern or AllowedValues. So neither may refuse the text.
func nestedReferences(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources(template.StackType) {
			file := path.Join(path.Dir(t.Path), template.Text(r.Prop("TemplateURL")))
			i := slices.IndexFunc(all, func(other *template.Template) bool { return other.Path == file })
			for key, value := range template.Pairs(r.Prop("Parameters")) {
				text := template.Text(value)
				if !strings.Contains(text, "{{resolve:") {
					continue
				}
				if i < 0 {
					out = append(out, r.String()+": no template "+file)
				} else if reason := refuses(all[i], key.Value, text); reason != "" {
					out = append(out, fmt.Sprintf("%s: %s gets a dynamic reference, which %s of %s refuses as text", r, key.Value, reason, file))
				}
			}
		}
	}
	return out
}

// refuses names the constraint of a parameter that refuses a text.
func refuses(t *template.Template, parameter, text string) string {
	declared := template.Get(t.Root, "Parameters", parameter)
	if allowed := template.Texts(template.Get(declared, "AllowedValues")); allowed != nil && !slices.Contains(allowed, text) {
		return "AllowedValues"
	}
	if pattern := template.Text(template.Get(declared, "AllowedPattern")); pattern != "" {
		// CloudFormation's patterns are Java's, and cover the whole text.
		if p, err := regexp.Compile("^(?:" + pattern + ")$"); err != nil || !p.MatchString(text) {
			return "AllowedPattern"
		}
	}
	return ""
}

func TestNestedReferences(t *testing.T) {
	t.Parallel()
	repository.Report(t, nestedReferences(repository.Templates(t)))
}

func TestNestedReferencesPlanted(t *testing.T) {
	t.Parallel()
	outer := repository.MustParse(t, "services/x/template.yaml", `
Resources:
  Inner:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: inner.yaml, Parameters: {Arn: !Sub "{{resolve:ssm:/gatehouse/${Environment}/y/arn}}", Other: x}}
`)
	for declared, want := range map[string]string{
		`{Type: String}`: "",
		`{Type: String, AllowedPattern: '^arn:.+$|^\{\{resolve:ssm:.+\}\}$'}`: "",
		`{Type: String, AllowedPattern: '^arn:.+$'}`:                          "AllowedPattern",
		`{Type: String, AllowedPattern: '[a-z]+'}`:                            "AllowedPattern",
		`{Type: String, AllowedValues: [a, b]}`:                               "AllowedValues",
	} {
		inner := repository.MustParse(t, "services/x/inner.yaml", "Parameters: {Arn: "+declared+", Other: {Type: String, AllowedPattern: '^y$'}}\nResources: {}\n")
		got := strings.Join(nestedReferences([]*template.Template{outer, inner}), "\n")
		if (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: findings %q, want %q", declared, got, want)
		}
	}
	if got := nestedReferences([]*template.Template{outer}); len(got) != 1 {
		t.Errorf("findings %q, want one for the missing template", got)
	}
}

// pageStyles: the styles of Cognito's pages are created after the domain. Before it is
// active, Cognito answers "The domain associated with this user pool is currently not
// Active" (SetUICustomization; aws/aws-cdk#6953). The registry's handler that creates a
// domain may describe it and has 20 minutes, so it seems to wait; a switch allows to
// create the styles later if it does not.
func pageStyles(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("AWS::Cognito::UserPoolUICustomizationAttachment") {
			after := template.Texts(template.Get(r.Node, "DependsOn"))
			for _, domain := range t.Resources("AWS::Cognito::UserPoolDomain") {
				if !slices.Contains(after, domain.ID) && !slices.Contains(mentions(r.Prop()), domain.ID) {
					out = append(out, r.String()+": write DependsOn: "+domain.ID)
				}
			}
			condition := template.Get(t.Root, "Conditions", template.Text(template.Get(r.Node, "Condition")))
			if !slices.Contains(mentions(condition), "PageStyles") {
				out = append(out, r.String()+": its condition must need PageStyles, so that a first deployment can omit it")
			}
		}
	}
	return out
}

func TestPageStylesWaitForTheDomain(t *testing.T) {
	t.Parallel()
	repository.Report(t, pageStyles(repository.Templates(t)))
	const good = `
Conditions: {Styled: !And [!Condition OnAws, !Equals [!Ref PageStyles, "on"]]}
Resources:
  Domain: {Type: AWS::Cognito::UserPoolDomain}
  Look:
    Type: AWS::Cognito::UserPoolUICustomizationAttachment
    DependsOn: [Domain]
    Condition: Styled
`
	for name, p := range map[string][3]string{
		"good":          {"Domain]", "Domain]", ""},
		"no_order":      {"    DependsOn: [Domain]\n", "", "write DependsOn: Domain"},
		"another_order": {"DependsOn: [Domain]", "DependsOn: Pool", "write DependsOn: Domain"},
		"no_switch":     {"Condition: Styled", "Condition: OnAws", "must need PageStyles"},
	} {
		got := strings.Join(pageStyles([]*template.Template{repository.MustParse(t, "platform/template.yaml", strings.Replace(good, p[0], p[1], 1))}), "\n")
		if (got == "") != (p[2] == "") || !strings.Contains(got, p[2]) {
			t.Errorf("%s: findings %q, want %q", name, got, p[2])
		}
	}
}
