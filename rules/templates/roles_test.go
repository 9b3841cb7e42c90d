package templates

import (
	"path"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// roles: a deployment may create and pass only roles below its service's path, and only
// with the boundary. A role without either would make the deployment fail. This
// includes the roles that SAM generates.
func roles(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		if repository.Dir(t) == "pipeline" {
			continue // those create the boundaries, and have their own rule
		}
		for _, r := range t.Resources("AWS::IAM::Role") {
			if got, want := template.Text(r.Prop("Path")), rolePath(t); got != want {
				out = append(out, r.String()+": Path is \""+got+"\", want \""+want+"\"")
			}
			if !bounded(r.Prop("PermissionsBoundary")) {
				out = append(out, r.String()+": PermissionsBoundary is not !If [HasBoundary, !Ref PermissionsBoundaryArn, !Ref AWS::NoValue]")
			}
		}
		out = append(out, boundaryPassed(t, all)...)
	}
	return out
}

func rolePath(t *template.Template) string {
	if repository.OfAnotherTeam(t) {
		return ""
	}
	return "/gatehouse/${Environment}/" + path.Base(repository.Dir(t)) + "/"
}

// bounded reports whether a value is !If [HasBoundary, !Ref PermissionsBoundaryArn,
// !Ref AWS::NoValue], also in the form that SAM writes.
func bounded(n *yaml.Node) bool {
	if long := template.Get(n, "Fn::If"); long != nil {
		n = long
	}
	return n != nil && len(n.Content) == 3 && n.Content[0].Value == "HasBoundary" &&
		template.Text(n.Content[1]) == "ref:PermissionsBoundaryArn" && template.Text(n.Content[2]) == "ref:AWS::NoValue"
}

// boundaryPassed: a nested template gets its parent's boundary.
func boundaryPassed(t *template.Template, all []*template.Template) []string {
	var out []string
	for _, s := range t.Resources("AWS::CloudFormation::Stack") {
		for _, nested := range all {
			if nested.Path != repository.Dir(t)+"/"+template.Text(s.Prop("TemplateURL")) || template.Get(nested.Root, "Parameters", "PermissionsBoundaryArn") == nil {
				continue
			}
			if template.Text(s.Prop("Parameters", "PermissionsBoundaryArn")) != "ref:PermissionsBoundaryArn" {
				out = append(out, s.String()+": does not pass PermissionsBoundaryArn to "+nested.Path)
			}
		}
	}
	return out
}

func TestBoundaryPassedPlanted(t *testing.T) {
	t.Parallel()
	nested := repository.MustParse(t, "services/good/roles.yaml", "Parameters: {PermissionsBoundaryArn: {Type: String}}\nResources: {T: {Type: AWS::SNS::Topic}}\n")
	for given, want := range map[string]int{"!Ref PermissionsBoundaryArn": 0, `""`: 1} {
		parent := repository.MustParse(t, "services/good/template.yaml",
			"Resources: {R: {Type: AWS::CloudFormation::Stack, Properties: {TemplateURL: roles.yaml, Parameters: {PermissionsBoundaryArn: "+given+"}}}}\n")
		if got := roles([]*template.Template{parent, nested}); len(got) != want {
			t.Errorf("%s: findings %q, want %d", given, got, want)
		}
	}
}
