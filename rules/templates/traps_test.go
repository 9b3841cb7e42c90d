package rules_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules"
)

// queueEncryption: SQS encrypts every queue by itself. With a customer key SNS and
// EventBridge would need a grant on it, and without one drop messages silently.
func queueEncryption(all []*rules.Template) []string {
	var out []string
	for _, t := range all {
		for _, q := range t.Resources("AWS::SQS::Queue") {
			if rules.Text(q.Prop("SqsManagedSseEnabled")) != "true" || q.Prop("KmsMasterKeyId") != nil {
				out = append(out, q.String()+": write SqsManagedSseEnabled: true, and no key of its own")
			}
		}
	}
	return out
}

// strangers: whoever gets credentials from the identity pool, guests among them, may
// send to a queue and nothing else. AWS scopes guests down further; the emulator does not.
func strangers(all []*rules.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("AWS::IAM::Role") {
			trust := statements(r.Prop("AssumeRolePolicyDocument"))
			if !slices.ContainsFunc(trust, func(s *yaml.Node) bool { return slices.Contains(principals(s), "cognito-identity.amazonaws.com") }) {
				continue
			}
			for _, s := range trust {
				for _, key := range []string{"cognito-identity.amazonaws.com:aud", "cognito-identity.amazonaws.com:amr"} {
					if _, ok := condition(s, key); !ok {
						out = append(out, r.String()+": is trusted without "+key+", so every identity pool's identities may take it")
					}
				}
			}
			if r.Prop("ManagedPolicyArns") != nil {
				out = append(out, r.String()+": no managed policy for strangers")
			}
			for _, s := range statements(r.Prop("Policies")) {
				if rules.Text(rules.Get(s, "Effect")) == "Allow" && !slices.Equal(rules.Texts(rules.Get(s, "Action")), []string{"sqs:SendMessage"}) {
					out = append(out, fmt.Sprintf("%s: strangers may send to a queue, not %v", r, rules.Texts(rules.Get(s, "Action"))))
				}
			}
		}
	}
	return out
}

// dropped: what the emulator drops without a word must be written in the way that it keeps.
func dropped(all []*rules.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("") {
			if (r.Type == "AWS::Serverless::Api" || r.Type == "AWS::Serverless::HttpApi") && r.Prop("GatewayResponses") != nil {
				out = append(out, r.String()+": write AWS::ApiGateway::GatewayResponse resources, for GatewayResponses are not deployed on a laptop")
			}
			if r.Type == "AWS::CloudFormation::Stack" && strings.HasPrefix(rules.Text(r.Prop("TemplateURL")), "http") {
				out = append(out, r.String()+": nests a template that lies elsewhere, and that no rule reads")
			}
		}
	}
	return out
}

func TestQueueEncryption(t *testing.T) {
	t.Parallel()
	report(t, queueEncryption(templates(t)))
}

func TestStrangers(t *testing.T) {
	t.Parallel()
	report(t, strangers(templates(t)))
}

func TestDropped(t *testing.T) {
	t.Parallel()
	report(t, dropped(templates(t)))
}

func TestTrapsPlanted(t *testing.T) {
	t.Parallel()
	plant(t, queueEncryption, map[string]planted{
		"not_said":     {"MessageRetentionPeriod: 1209600, SqsManagedSseEnabled: true", "MessageRetentionPeriod: 1209600", "Dead: write SqsManagedSseEnabled"},
		"taken_off":    {"      SqsManagedSseEnabled: true\n", "      SqsManagedSseEnabled: false\n", "Outbox: write SqsManagedSseEnabled"},
		"own_key":      {"      SqsManagedSseEnabled: true\n", "      SqsManagedSseEnabled: true\n      KmsMasterKeyId: !Ref Key\n", "no key of its own"},
		"key_by_alias": {"MessageRetentionPeriod: 1209600, SqsManagedSseEnabled: true", "KmsMasterKeyId: alias/aws/sqs", "no key of its own"},
	})
	const role = "  Guest:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument:\n        Statement:\n          - {Effect: Allow, Principal: {Federated: cognito-identity.amazonaws.com}, Action: sts:AssumeRoleWithWebIdentity," +
		" Condition: {StringEquals: {\"cognito-identity.amazonaws.com:aud\": p, \"cognito-identity.amazonaws.com:amr\": unauthenticated}}}\n" +
		"      Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Outbox.Arn}]}}]\n\n  Outbox:\n    Type"
	at := "  Outbox:\n    Type"
	plant(t, strangers, map[string]planted{
		"more":        {at, strings.Replace(role, "Action: sqs:SendMessage", "Action: [sqs:SendMessage, sqs:ReceiveMessage]", 1), "not [sqs:SendMessage sqs:ReceiveMessage]"},
		"other":       {at, strings.Replace(role, "Action: sqs:SendMessage", "Action: events:PutEvents", 1), "not [events:PutEvents]"},
		"managed":     {at, strings.Replace(role, "      Policies:", "      ManagedPolicyArns: [x]\n      Policies:", 1), "no managed policy"},
		"any_pool":    {at, strings.Replace(role, ":aud\"", ":sub\"", 1), "without cognito-identity.amazonaws.com:aud"},
		"any_visitor": {at, strings.Replace(role, ":amr\"", ":sub\"", 1), "without cognito-identity.amazonaws.com:amr"},
	})
	if found := strangers([]*rules.Template{parse(t, "x.yaml", strings.Replace(good(t), at, role, 1))}); len(found) > 0 {
		t.Errorf("a good role is found guilty: %v", found)
	}
	plant(t, dropped, map[string]planted{
		"gateway_responses": {at, "  A:\n    Type: AWS::Serverless::Api\n    Properties: {GatewayResponses: {DEFAULT_4XX: {}}}\n" + at, "GatewayResponses are not deployed"},
		"elsewhere":         {at, "  N:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: https://example.com/x.yaml}\n" + at, "lies elsewhere"},
	})
}

// testNames are the tests that a text names in backquotes.
func testNames(text string) []string {
	var out []string
	for _, m := range regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z0-9_]+)`").FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

// uncovered are the rows of the page's tables whose last cell neither names a test
// that exists nor says that nothing of the kind is built.
func uncovered(page string, exists func(string) bool) []string {
	var out []string
	for line := range strings.Lines(page) {
		cells := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), "|")
		if len(cells) < 2 || strings.HasPrefix(strings.TrimSpace(cells[0]), "-") || strings.TrimSpace(cells[len(cells)-1]) == "held by" {
			continue
		}
		last := cells[len(cells)-1]
		names := testNames(last)
		for _, name := range names {
			if !exists(name) {
				out = append(out, "rules/README.md: there is no "+name)
			}
		}
		if len(names) == 0 && !strings.Contains(last, "nothing here does that") {
			out = append(out, "rules/README.md: no test holds: "+strings.TrimSpace(cells[0]))
		}
	}
	return out
}

func TestTrapsAreHeld(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	found := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	for _, path := range files(t, ".go") {
		if !strings.HasSuffix(path, "_test.go") {
			continue
		}
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatalf("os.ReadFile: %v", err)
		}
		for _, m := range found.FindAllStringSubmatch(string(text), -1) {
			known[m[1]] = true
		}
	}
	page := read(t, "README.md")
	if len(testNames(page)) < 20 {
		t.Fatal("the page names hardly a test; does this one read it?")
	}
	report(t, uncovered(page, func(name string) bool { return known[name] }))
}

func TestTrapsAreHeldPlanted(t *testing.T) {
	t.Parallel()
	page := "| trap | held by |\n|---|---|\n| a | `TestA` |\n| b | `TestGone` |\n| c | a promise |\n| d | nothing here does that yet |\n"
	got := uncovered(page, func(name string) bool { return name == "TestA" })
	if len(got) != 2 || !strings.Contains(got[0], "no TestGone") || !strings.Contains(got[1], "no test holds: c") {
		t.Errorf("findings %q", got)
	}
}
