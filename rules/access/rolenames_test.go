package rules_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules"
)

// named: a policy that spares or admits roles names them as they are: one role by path
// and name, or all of a service by its path. A name that nobody bears shuts everybody
// out, on AWS only, for the emulator knows no paths of sessions.
func named(all []*rules.Template) []string {
	var out, services, known []string
	for _, t := range all {
		services = append(services, "role/gatehouse/${Environment}/"+path.Base(t.Dir())+"/*")
		for _, r := range t.Resources("AWS::IAM::Role") {
			known = append(known, "role"+rules.Text(r.Prop("Path"))+rules.Text(r.Prop("RoleName")))
		}
	}
	role := regexp.MustCompile(`:iam::\$\{AWS::AccountId\}:(role/.+)$`)
	for _, t := range all {
		if !strings.HasPrefix(t.Path, "services/") && t.Dir() != "platform" {
			continue
		}
		for _, s := range statements(t.Root) {
			rules.Walk(rules.Get(s, "Condition"), func(n *yaml.Node) {
				m := role.FindStringSubmatch(n.Value)
				if m != nil && !slices.Contains(services, m[1]) && !slices.Contains(known, m[1]) {
					out = append(out, fmt.Sprintf("%s:%d: %s is no service's path and no role of a template", t.Path, n.Line, m[1]))
				}
			})
		}
	}
	return out
}

// publishing: the topic's policy spares the services that publish, and no other.
func publishing(all []*rules.Template) []string {
	var out []string
	publish, spared := map[string]bool{}, map[string]bool{}
	service := regexp.MustCompile(`:role/gatehouse/\$\{Environment\}/([a-z-]+)/\*$`)
	for _, t := range all {
		for _, f := range t.Resources(functionType) {
			if len(grants(f, "sns:Publish")) > 0 {
				publish[path.Base(t.Dir())] = true
			}
		}
		for _, p := range t.Resources("AWS::SNS::TopicPolicy") {
			for _, s := range statements(p.Node) {
				rules.Walk(rules.Get(s, "Condition", "ArnNotLike"), func(n *yaml.Node) {
					if m := service.FindStringSubmatch(n.Value); m != nil {
						spared[m[1]] = true
					}
				})
			}
		}
	}
	for s := range publish {
		if !spared[s] {
			out = append(out, s+" publishes, and no topic's policy spares its roles")
		}
	}
	for s := range spared {
		if !publish[s] {
			out = append(out, "a topic's policy spares the roles of "+s+", which does not publish")
		}
	}
	slices.Sort(out)
	return out
}

func TestRolesInPolicies(t *testing.T) {
	t.Parallel()
	all := templates(t)
	report(t, named(all))
	report(t, publishing(all))
}

func TestRolesInPoliciesPlanted(t *testing.T) {
	t.Parallel()
	const list = "                aws:PrincipalArn: [!Sub \"arn:aws:iam::${AWS::AccountId}:role/gatehouse/${Environment}/good/*\"]\n"
	plant(t, named, map[string]planted{
		"unknown_service": {"${Environment}/good/*", "${Environment}/bad/*", "role/gatehouse/${Environment}/bad/* is no service's path"},
		"pattern":         {"role/gatehouse/${Environment}/good/*", "role/gatehouse-${Environment}-good*", "is no service's path"},
		"unknown_role":    {"${Environment}/good/*", "${Environment}/good/somebody", "good/somebody is no service's path"},
	})
	plant(t, publishing, map[string]planted{
		"shut_out":  {list, "                aws:PrincipalArn: []\n", "good publishes, and no topic's policy"},
		"one_more":  {list, list + "                aws:Other: [!Sub \"arn:aws:iam::${AWS::AccountId}:role/gatehouse/${Environment}/other/*\"]\n", "spares the roles of other"},
		"no_denial": {"ArnNotLike:\n", "ArnLike:\n", "good publishes, and no topic's policy"},
	})
}

// TestNamedRole is one role by path and name, in another stack.
func TestNamedRole(t *testing.T) {
	t.Parallel()
	owner := parse(t, "platform/identity.yaml", "Resources: {R: {Type: AWS::IAM::Role, Properties: {Path: !Sub '/gatehouse/${Environment}/platform/', RoleName: guests}}}\n")
	for role, want := range map[string]int{"platform/guests": 0, "platform/guest": 1, "guests": 1} {
		reader := parse(t, "services/good/queues.yaml", "Resources: {P: {Properties: {S: {Effect: Deny, Action: a, Condition: {ArnNotLike: "+
			"{aws:PrincipalArn: !Sub 'arn:aws:iam::${AWS::AccountId}:role/gatehouse/${Environment}/"+role+"'}}}}}}\n")
		if got := named([]*rules.Template{owner, reader}); len(got) != want {
			t.Errorf("%s: findings %q, want %d", role, got, want)
		}
	}
}
