package templates

import (
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// firewalls: a web ACL blocks an address above a limit, keeps no samples of people's
// requests, and is in use.
func firewalls(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, acl := range t.Resources("AWS::WAFv2::WebACL") {
			limited := false
			for _, rule := range acl.Prop("Rules").Content {
				limit := template.Get(rule, "Statement", "RateBasedStatement")
				limited = limited || limit != nil && template.Text(template.Get(limit, "AggregateKeyType")) == "IP" && template.Get(rule, "Action", "Block") != nil
				if template.Text(template.Get(rule, "VisibilityConfig", "SampledRequestsEnabled")) != "false" {
					out = append(out, acl.String()+": a rule keeps samples of requests, which hold IP addresses")
				}
			}
			if !limited {
				out = append(out, acl.String()+": no rule blocks an IP address above a rate")
			}
			if template.Text(acl.Prop("VisibilityConfig", "SampledRequestsEnabled")) != "false" {
				out = append(out, acl.String()+": keeps samples of requests, which hold IP addresses")
			}
			if len(t.Resources("AWS::WAFv2::WebACLAssociation")) == 0 {
				out = append(out, acl.String()+": protects nothing")
			}
		}
	}
	return out
}

func TestFirewall(t *testing.T) {
	t.Parallel()
	all := repository.Templates(t)
	repository.Report(t, firewalls(all))
	found := 0
	for _, one := range all {
		found += len(one.Resources("AWS::WAFv2::WebACL"))
	}
	if found != 1 {
		t.Errorf("%d web ACLs, want the one of platform/firewall.yaml", found)
	}
}

func TestFirewallPlanted(t *testing.T) {
	t.Parallel()
	const good = `
Resources:
  Acl:
    Type: AWS::WAFv2::WebACL
    Properties:
      Rules: [{Action: {Block: {}}, Statement: {RateBasedStatement: {AggregateKeyType: IP, Limit: 300}}, VisibilityConfig: {SampledRequestsEnabled: false}}]
      VisibilityConfig: {SampledRequestsEnabled: false}
  Pool: {Type: AWS::WAFv2::WebACLAssociation, Properties: {WebACLArn: !GetAtt Acl.Arn}}
`
	for name, tc := range map[string]struct{ text, want string }{
		"good":           {good, ""},
		"counts_only":    {strings.Replace(good, "Block", "Count", 1), "no rule blocks"},
		"all_together":   {strings.Replace(good, "AggregateKeyType: IP", "AggregateKeyType: CONSTANT", 1), "no rule blocks"},
		"rule_samples":   {strings.Replace(good, "300}}, VisibilityConfig: {SampledRequestsEnabled: false}", "300}}, VisibilityConfig: {SampledRequestsEnabled: true}", 1), "a rule keeps samples"},
		"samples":        {strings.Replace(good, "      VisibilityConfig: {SampledRequestsEnabled: false}", "      VisibilityConfig: {}", 1), "keeps samples"},
		"no_association": {strings.Replace(good, "WebACLAssociation", "LoggingConfiguration", 1), "protects nothing"},
	} {
		got := strings.Join(firewalls([]*template.Template{repository.MustParse(t, "a.yaml", tc.text)}), "\n")
		if (got == "") != (tc.want == "") || !strings.Contains(got, tc.want) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
