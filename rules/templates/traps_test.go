package templates

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// queueEncryption: SQS encrypts every queue with its own key. A customer key would
// have to allow SNS and EventBridge; otherwise they drop messages silently.
func queueEncryption(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, q := range t.Resources("AWS::SQS::Queue") {
			if template.Text(q.Prop("SqsManagedSseEnabled")) != "true" || q.Prop("KmsMasterKeyId") != nil {
				out = append(out, q.String()+": write SqsManagedSseEnabled: true, without a customer key")
			}
		}
	}
	return out
}

// identityPoolRoles: credentials from the identity pool, including those of guests,
// allow only sending to a queue. AWS restricts guests further; the emulator does not.
func identityPoolRoles(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("AWS::IAM::Role") {
			trust := repository.Statements(r.Prop("AssumeRolePolicyDocument"))
			if !slices.ContainsFunc(trust, func(s *yaml.Node) bool {
				return slices.Contains(repository.Principals(s), "cognito-identity.amazonaws.com")
			}) {
				continue
			}
			for _, s := range trust {
				for _, key := range []string{"cognito-identity.amazonaws.com:aud", "cognito-identity.amazonaws.com:amr"} {
					if _, ok := repository.Condition(s, key); !ok {
						out = append(out, r.String()+": the trust lacks "+key+", so identities of every identity pool may assume it")
					}
				}
			}
			if r.Prop("ManagedPolicyArns") != nil {
				out = append(out, r.String()+": a role of the identity pool has no managed policy")
			}
			for _, s := range repository.Statements(r.Prop("Policies")) {
				if template.Text(template.Get(s, "Effect")) == "Allow" && !slices.Equal(template.Texts(template.Get(s, "Action")), []string{"sqs:SendMessage"}) {
					out = append(out, fmt.Sprintf("%s: a role of the identity pool may only send to a queue, not %v", r, template.Texts(template.Get(s, "Action"))))
				}
			}
		}
	}
	return out
}

// dropped: no template uses a property that the emulator silently ignores, where
// another form works, or one that it refuses, outside the condition for AWS.
func dropped(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("") {
			if (r.Type == "AWS::Serverless::Api" || r.Type == "AWS::Serverless::HttpApi") && r.Prop("GatewayResponses") != nil {
				out = append(out, r.String()+": write AWS::ApiGateway::GatewayResponse resources; the emulator does not deploy GatewayResponses")
			}
			if r.Type == "AWS::CloudFormation::Stack" && strings.HasPrefix(template.Text(r.Prop("TemplateURL")), "http") {
				out = append(out, r.String()+": nests a template outside the repository, which no rule reads")
			}
			math := r.Prop("Metrics") != nil && slices.ContainsFunc(r.Prop("Metrics").Content, func(one *yaml.Node) bool { return template.Get(one, "Expression") != nil })
			if r.Type == "AWS::CloudWatch::Alarm" && math && template.Text(template.Get(r.Node, "Condition")) != "OnAws" {
				out = append(out, r.String()+": write Condition: OnAws; the emulator refuses metric math")
			}
		}
	}
	return out
}

// authorizers: the gateway checks a token at every request. AWS documents that results
// are cached for 300 seconds unless the value is 0
// (https://docs.aws.amazon.com/apigateway/latest/api/API_CreateAuthorizer.html), but not
// whether a token that expires meanwhile is accepted from the cache.
func authorizers(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, a := range t.Resources("AWS::ApiGateway::Authorizer") {
			if got := template.Text(a.Prop("AuthorizerResultTtlInSeconds")); got != "0" {
				out = append(out, fmt.Sprintf("%s: AuthorizerResultTtlInSeconds is %q, want 0: an expired token may be accepted from the cache", a, got))
			}
		}
	}
	return out
}

func TestAuthorizers(t *testing.T) {
	t.Parallel()
	repository.Report(t, authorizers(repository.Templates(t)))
	const good = "Resources: {A: {Type: AWS::ApiGateway::Authorizer, Properties: {AuthorizerResultTtlInSeconds: 0}}}\n"
	for text, want := range map[string]int{
		good:                                  0,
		strings.Replace(good, "0}", "60}", 1): 1,
		strings.Replace(good, ", Properties: {AuthorizerResultTtlInSeconds: 0}", "", 1): 1,
	} {
		if got := authorizers([]*template.Template{repository.MustParse(t, "x.yaml", text)}); len(got) != want {
			t.Errorf("%s: findings %q, want %d", text, got, want)
		}
	}
}

func TestQueueEncryption(t *testing.T) {
	t.Parallel()
	repository.Report(t, queueEncryption(repository.Templates(t)))
}

func TestIdentityPoolRoles(t *testing.T) {
	t.Parallel()
	repository.Report(t, identityPoolRoles(repository.Templates(t)))
}

func TestDropped(t *testing.T) {
	t.Parallel()
	repository.Report(t, dropped(repository.Templates(t)))
}

func TestTrapsPlanted(t *testing.T) {
	t.Parallel()
	repository.Plant(t, queueEncryption, map[string]repository.Planted{
		"not_said":     {"MessageRetentionPeriod: 1209600, SqsManagedSseEnabled: true", "MessageRetentionPeriod: 1209600", "Dead: write SqsManagedSseEnabled"},
		"taken_off":    {"      SqsManagedSseEnabled: true\n", "      SqsManagedSseEnabled: false\n", "Outbox: write SqsManagedSseEnabled"},
		"own_key":      {"      SqsManagedSseEnabled: true\n", "      SqsManagedSseEnabled: true\n      KmsMasterKeyId: !Ref Key\n", "without a customer key"},
		"key_by_alias": {"MessageRetentionPeriod: 1209600, SqsManagedSseEnabled: true", "KmsMasterKeyId: alias/aws/sqs", "without a customer key"},
	})
	const role = "  Guest:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument:\n        Statement:\n          - {Effect: Allow, Principal: {Federated: cognito-identity.amazonaws.com}, Action: sts:AssumeRoleWithWebIdentity," +
		" Condition: {StringEquals: {\"cognito-identity.amazonaws.com:aud\": p, \"cognito-identity.amazonaws.com:amr\": unauthenticated}}}\n" +
		"      Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Outbox.Arn}]}}]\n\n  Outbox:\n    Type"
	at := "  Outbox:\n    Type"
	repository.Plant(t, identityPoolRoles, map[string]repository.Planted{
		"more":        {at, strings.Replace(role, "Action: sqs:SendMessage", "Action: [sqs:SendMessage, sqs:ReceiveMessage]", 1), "not [sqs:SendMessage sqs:ReceiveMessage]"},
		"other":       {at, strings.Replace(role, "Action: sqs:SendMessage", "Action: events:PutEvents", 1), "not [events:PutEvents]"},
		"managed":     {at, strings.Replace(role, "      Policies:", "      ManagedPolicyArns: [x]\n      Policies:", 1), "has no managed policy"},
		"any_pool":    {at, strings.Replace(role, ":aud\"", ":sub\"", 1), "lacks cognito-identity.amazonaws.com:aud"},
		"any_visitor": {at, strings.Replace(role, ":amr\"", ":sub\"", 1), "lacks cognito-identity.amazonaws.com:amr"},
	})
	if found := identityPoolRoles([]*template.Template{repository.MustParse(t, "x.yaml", strings.Replace(repository.Good(t), at, role, 1))}); len(found) > 0 {
		t.Errorf("findings in a good role: %v", found)
	}
	repository.Plant(t, dropped, map[string]repository.Planted{
		"math":              {"  Outbox:\n    Type", "  A: {Type: AWS::CloudWatch::Alarm, Condition: IsLocal, Properties: {Metrics: [{Id: a, Expression: 1 + 1}]}}\n  Outbox:\n    Type", "A: write Condition: OnAws"},
		"gateway_responses": {at, "  A:\n    Type: AWS::Serverless::Api\n    Properties: {GatewayResponses: {DEFAULT_4XX: {}}}\n" + at, "does not deploy GatewayResponses"},
		"elsewhere":         {at, "  N:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: https://example.com/x.yaml}\n" + at, "outside the repository"},
	})
}
