package docs

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// limits is the page that lists what a local deployment does not create.
const limits = "docs/limits.md"

var resourceName = regexp.MustCompile("`([A-Z][A-Za-z]+)`")

// admitted returns the part of the page that lists the resources with the condition OnAws.
func admitted(page string) string {
	_, section, _ := strings.Cut(page, "## Resources that are made on AWS only")
	section, _, _ = strings.Cut(section, "\n## ")
	_, list, _ := strings.Cut(strings.Join(strings.Fields(section), " "), "template condition `OnAws`")
	return list
}

// unproved returns the resources with the condition OnAws that the page does not list.
// No local deployment creates them.
func unproved(t *template.Template, page string) []string {
	var out []string
	for _, r := range t.Resources("") {
		if onlyOnAws(t, template.Text(template.Get(r.Node, "Condition"))) && !strings.Contains(admitted(page), "`"+r.ID+"`") {
			out = append(out, r.String()+" is created only on AWS, but "+limits+" does not list it")
		}
	}
	return out
}

// onlyOnAws reports whether a condition is OnAws, or requires it among others.
func onlyOnAws(t *template.Template, condition string) bool {
	definition := template.Get(t.Root, "Conditions", condition)
	if definition == nil || definition.Tag != "!And" {
		return condition == "OnAws"
	}
	return slices.ContainsFunc(definition.Content, func(n *yaml.Node) bool { return n.Tag == "!Condition" && n.Value == "OnAws" })
}

// gone returns the resources that the page lists but no template has.
func gone(all []*template.Template, page string) []string {
	var out []string
	for _, m := range resourceName.FindAllStringSubmatch(admitted(page), -1) {
		has := func(t *template.Template) bool { return template.Get(t.Root, "Resources", m[1]) != nil }
		if !slices.ContainsFunc(all, has) {
			out = append(out, limits+": no template has "+m[1])
		}
	}
	return out
}

func TestLimitsListWhatIsNotProved(t *testing.T) {
	t.Parallel()
	page := repository.Read(t, filepath.Join(repository.Root, limits))
	all := repository.Templates(t)
	if len(resourceName.FindAllString(admitted(page), -1)) < 10 {
		t.Fatalf("%s lists too few resources; was its text changed?", limits)
	}
	repository.Report(t, gone(all, page))
	for _, one := range all {
		repository.Report(t, unproved(one, page))
	}
}

func TestLimitsListWhatIsNotProvedPlanted(t *testing.T) {
	t.Parallel()
	one, err := template.Parse("services/x/template.yaml", []byte("Resources:\n  Archive:\n    Condition: OnAws\n    Type: AWS::Events::Archive\n"))
	if err != nil {
		t.Fatal(err)
	}
	both, err := template.Parse("services/x/template.yaml", []byte("Conditions: {Styled: !And [!Condition OnAws, !Equals [a, b]]}\nResources:\n  Look:\n    Condition: Styled\n    Type: T\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := unproved(both, ""); len(got) != 1 {
		t.Errorf("findings %q, want one on Look", got)
	}
	const start = "## Resources that are made on AWS only\nthe template\ncondition `OnAws`:\n"
	if got := unproved(one, "`Archive`\n"+start+"nothing\n## More\n`Archive`"); len(got) != 1 {
		t.Errorf("findings %q, want one", got)
	}
	if got := unproved(one, start+"- `Archive`\n"); len(got) != 0 {
		t.Errorf("findings %q, want none", got)
	}
	if got := gone([]*template.Template{one}, start+"- `Archive` and\n  `Other`\n## More\n- `More`\n"); len(got) != 1 || !strings.Contains(got[0], "Other") {
		t.Errorf("findings %q, want one on Other", got)
	}
}
