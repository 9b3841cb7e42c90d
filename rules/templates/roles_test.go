package templates

import (
	"path"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
)

// roles: whoever deploys a service may make and pass roles on that service's path
// only, and only with the boundary. So a role without either fails its deployment,
// and one that SAM makes unasked counts like one that somebody wrote.
func roles(all []*repository.Template) []string {
	var out []string
	for _, t := range all {
		if t.Dir() == "pipeline" {
			continue // those make the boundaries, and have a rule of their own
		}
		for _, r := range t.Resources("AWS::IAM::Role") {
			if got, want := repository.Text(r.Prop("Path")), rolePath(t); got != want {
				out = append(out, r.String()+": Path is \""+got+"\", want \""+want+"\"")
			}
			if !bounded(r.Prop("PermissionsBoundary")) {
				out = append(out, r.String()+": PermissionsBoundary is not PermissionsBoundaryArn where that is given")
			}
		}
		out = append(out, handedDown(t, all)...)
	}
	return out
}

func rolePath(t *repository.Template) string {
	name := path.Base(t.Dir())
	if strings.HasPrefix(t.Path, "examples/") {
		name = "example-" + name
	}
	return "/gatehouse/${Environment}/" + name + "/"
}

// bounded wants !If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue], in SAM's words too.
func bounded(n *yaml.Node) bool {
	if long := repository.Get(n, "Fn::If"); long != nil {
		n = long
	}
	return n != nil && len(n.Content) == 3 && n.Content[0].Value == "HasBoundary" &&
		repository.Text(n.Content[1]) == "ref:PermissionsBoundaryArn" && repository.Text(n.Content[2]) == "ref:AWS::NoValue"
}

// handedDown: a nested template gets its parent's boundary.
func handedDown(t *repository.Template, all []*repository.Template) []string {
	var out []string
	for _, s := range t.Resources("AWS::CloudFormation::Stack") {
		for _, nested := range all {
			if nested.Path != t.Dir()+"/"+repository.Text(s.Prop("TemplateURL")) || repository.Get(nested.Root, "Parameters", "PermissionsBoundaryArn") == nil {
				continue
			}
			if repository.Text(s.Prop("Parameters", "PermissionsBoundaryArn")) != "ref:PermissionsBoundaryArn" {
				out = append(out, s.String()+": does not hand PermissionsBoundaryArn down to "+nested.Path)
			}
		}
	}
	return out
}

func TestHandedDownPlanted(t *testing.T) {
	t.Parallel()
	nested := repository.MustParse(t, "services/good/roles.yaml", "Parameters: {PermissionsBoundaryArn: {Type: String}}\nResources: {T: {Type: AWS::SNS::Topic}}\n")
	for given, want := range map[string]int{"!Ref PermissionsBoundaryArn": 0, `""`: 1} {
		parent := repository.MustParse(t, "services/good/template.yaml",
			"Resources: {R: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: roles.yaml, Parameters: {PermissionsBoundaryArn: "+given+"}}}}\n")
		if got := roles([]*repository.Template{parent, nested}); len(got) != want {
			t.Errorf("%s: findings %q, want %d", given, got, want)
		}
	}
}
