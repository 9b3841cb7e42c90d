package docs

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// unproved are the resources behind the condition OnAws, which no local
// deployment makes, that the README does not admit to.
func unproved(t *repository.Template, readme string) []string {
	_, admitted, _ := strings.Cut(readme, "### Not proved on a laptop")
	admitted, _, _ = strings.Cut(admitted, "\n## ")
	var out []string
	for _, r := range t.Resources("") {
		if repository.Text(repository.Get(r.Node, "Condition")) == "OnAws" && !strings.Contains(admitted, "`"+r.ID+"`") {
			out = append(out, r.String()+" is made on AWS only, and the README does not say so")
		}
	}
	return out
}

// gone are the resources of the README's sentence on OnAws that no template has.
func gone(all []*repository.Template, readme string) []string {
	_, admitted, _ := strings.Cut(readme, "### Not proved on a laptop")
	_, admitted, _ = strings.Cut(admitted, "template condition `OnAws`")
	admitted, _, _ = strings.Cut(admitted, "\n- ")
	var out []string
	for _, m := range regexp.MustCompile("`([A-Z][A-Za-z]+)`").FindAllStringSubmatch(admitted, -1) {
		has := func(t *repository.Template) bool { return repository.Get(t.Root, "Resources", m[1]) != nil }
		if !slices.ContainsFunc(all, has) {
			out = append(out, "README.md: "+m[1]+" is in no template")
		}
	}
	return out
}

func TestReadmeListsWhatIsNotProved(t *testing.T) {
	t.Parallel()
	readme := repository.Read(t, filepath.Join(repository.Root, "README.md"))
	all := repository.Templates(t)
	repository.Report(t, gone(all, readme))
	for _, template := range all {
		repository.Report(t, unproved(template, readme))
	}
}

func TestReadmeListsWhatIsNotProvedPlanted(t *testing.T) {
	t.Parallel()
	template, err := repository.Parse("services/x/template.yaml", []byte("Resources:\n  Archive:\n    Condition: OnAws\n    Type: AWS::Events::Archive\n"))
	if err != nil {
		t.Fatal(err)
	}
	if got := unproved(template, "`Archive`\n### Not proved on a laptop\nnothing\n## More\n`Archive`"); len(got) != 1 {
		t.Errorf("findings %q, want one", got)
	}
	if got := unproved(template, "### Not proved on a laptop\n- `Archive`\n"); len(got) != 0 {
		t.Errorf("findings %q, want none", got)
	}
	if got := gone([]*repository.Template{template}, "### Not proved on a laptop\n- the template condition `OnAws`: `Archive` and\n  `Other`\n- `More`\n"); len(got) != 1 || !strings.Contains(got[0], "Other") {
		t.Errorf("findings %q, want one on Other", got)
	}
}
