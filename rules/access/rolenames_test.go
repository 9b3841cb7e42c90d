package access

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// named: a policy that includes or excludes roles names existing ones: one role by
// path and name, or all roles of a service by its path. A wrong name denies every
// call, but only on AWS: the emulator does not know the paths of sessions.
func named(all []*template.Template) []string {
	var out, services, known []string
	for _, t := range all {
		services = append(services, "role/gatehouse/${Environment}/"+path.Base(repository.Dir(t))+"/*")
		for _, r := range t.Resources("AWS::IAM::Role") {
			known = append(known, "role"+template.Text(r.Prop("Path"))+template.Text(r.Prop("RoleName")))
		}
	}
	role := regexp.MustCompile(`:iam::\$\{AWS::AccountId\}:(role/.+)$`)
	for _, t := range all {
		if !strings.HasPrefix(t.Path, "services/") && repository.Dir(t) != "platform" {
			continue
		}
		for _, s := range repository.Statements(t.Root) {
			template.Walk(template.Get(s, "Condition"), func(n *yaml.Node) {
				m := role.FindStringSubmatch(n.Value)
				if m != nil && !slices.Contains(services, m[1]) && !slices.Contains(known, m[1]) {
					out = append(out, fmt.Sprintf("%s:%d: %s is neither a service's path nor a role in a template", t.Path, n.Line, m[1]))
				}
			})
		}
	}
	return out
}

// publishing: the topic's policy exempts exactly the services that publish.
func publishing(all []*template.Template) []string {
	var out []string
	publish, spared := map[string]bool{}, map[string]bool{}
	service := regexp.MustCompile(`:role/gatehouse/\$\{Environment\}/([a-z-]+)/\*$`)
	for _, t := range all {
		for _, f := range t.Resources(repository.FunctionType) {
			if len(repository.Grants(f, "sns:Publish")) > 0 {
				publish[path.Base(repository.Dir(t))] = true
			}
		}
		for _, p := range t.Resources("AWS::SNS::TopicPolicy") {
			for _, s := range repository.Statements(p.Node) {
				template.Walk(template.Get(s, "Condition", "ArnNotLike"), func(n *yaml.Node) {
					if m := service.FindStringSubmatch(n.Value); m != nil {
						spared[m[1]] = true
					}
				})
			}
		}
	}
	for s := range publish {
		if !spared[s] {
			out = append(out, s+" publishes, but no topic policy exempts its roles")
		}
	}
	for s := range spared {
		if !publish[s] {
			out = append(out, "a topic policy exempts the roles of "+s+", which does not publish")
		}
	}
	slices.Sort(out)
	return out
}

func TestRolesInPolicies(t *testing.T) {
	t.Parallel()
	all := repository.Templates(t)
	repository.Report(t, named(all))
	repository.Report(t, publishing(all))
}

func TestRolesInPoliciesPlanted(t *testing.T) {
	t.Parallel()
	const list = "                aws:PrincipalArn: [!Sub \"arn:aws:iam::${AWS::AccountId}:role/gatehouse/${Environment}/good/*\"]\n"
	repository.Plant(t, named, map[string]repository.Planted{
		"unknown_service": {"${Environment}/good/*", "${Environment}/bad/*", "role/gatehouse/${Environment}/bad/* is neither a service's path"},
		"pattern":         {"role/gatehouse/${Environment}/good/*", "role/gatehouse-${Environment}-good*", "is neither a service's path"},
		"unknown_role":    {"${Environment}/good/*", "${Environment}/good/somebody", "good/somebody is neither a service's path"},
	})
	repository.Plant(t, publishing, map[string]repository.Planted{
		"shut_out":  {list, "                aws:PrincipalArn: []\n", "good publishes, but no topic policy"},
		"one_more":  {list, list + "                aws:Other: [!Sub \"arn:aws:iam::${AWS::AccountId}:role/gatehouse/${Environment}/other/*\"]\n", "exempts the roles of other"},
		"no_denial": {"ArnNotLike:\n", "ArnLike:\n", "good publishes, but no topic policy"},
	})
}

// TestNamedRole is one role by path and name, in another stack.
func TestNamedRole(t *testing.T) {
	t.Parallel()
	owner := repository.MustParse(t, "platform/identity.yaml", "Resources: {R: {Type: AWS::IAM::Role, Properties: {Path: !Sub '/gatehouse/${Environment}/platform/', RoleName: guests}}}\n")
	for role, want := range map[string]int{"platform/guests": 0, "platform/guest": 1, "guests": 1} {
		reader := repository.MustParse(t, "services/good/queues.yaml", "Resources: {P: {Properties: {S: {Effect: Deny, Action: a, Condition: {ArnNotLike: "+
			"{aws:PrincipalArn: !Sub 'arn:aws:iam::${AWS::AccountId}:role/gatehouse/${Environment}/"+role+"'}}}}}}\n")
		if got := named([]*template.Template{owner, reader}); len(got) != want {
			t.Errorf("%s: findings %q, want %d", role, got, want)
		}
	}
}
