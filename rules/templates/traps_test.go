package templates

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
)

// queueEncryption: SQS encrypts every queue by itself. With a customer key SNS and
// EventBridge would need a grant on it, and without one drop messages silently.
func queueEncryption(all []*repository.Template) []string {
	var out []string
	for _, t := range all {
		for _, q := range t.Resources("AWS::SQS::Queue") {
			if repository.Text(q.Prop("SqsManagedSseEnabled")) != "true" || q.Prop("KmsMasterKeyId") != nil {
				out = append(out, q.String()+": write SqsManagedSseEnabled: true, and no key of its own")
			}
		}
	}
	return out
}

// strangers: whoever gets credentials from the identity pool, guests among them, may
// send to a queue and nothing else. AWS scopes guests down further; the emulator does not.
func strangers(all []*repository.Template) []string {
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
						out = append(out, r.String()+": is trusted without "+key+", so every identity pool's identities may take it")
					}
				}
			}
			if r.Prop("ManagedPolicyArns") != nil {
				out = append(out, r.String()+": no managed policy for strangers")
			}
			for _, s := range repository.Statements(r.Prop("Policies")) {
				if repository.Text(repository.Get(s, "Effect")) == "Allow" && !slices.Equal(repository.Texts(repository.Get(s, "Action")), []string{"sqs:SendMessage"}) {
					out = append(out, fmt.Sprintf("%s: strangers may send to a queue, not %v", r, repository.Texts(repository.Get(s, "Action"))))
				}
			}
		}
	}
	return out
}

// dropped: what the emulator drops without a word must be written in the way that it keeps.
func dropped(all []*repository.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("") {
			if (r.Type == "AWS::Serverless::Api" || r.Type == "AWS::Serverless::HttpApi") && r.Prop("GatewayResponses") != nil {
				out = append(out, r.String()+": write AWS::ApiGateway::GatewayResponse resources, for GatewayResponses are not deployed on a laptop")
			}
			if r.Type == "AWS::CloudFormation::Stack" && strings.HasPrefix(repository.Text(r.Prop("TemplateURL")), "http") {
				out = append(out, r.String()+": nests a template that lies elsewhere, and that no rule reads")
			}
		}
	}
	return out
}

func TestQueueEncryption(t *testing.T) {
	t.Parallel()
	repository.Report(t, queueEncryption(repository.Templates(t)))
}

func TestStrangers(t *testing.T) {
	t.Parallel()
	repository.Report(t, strangers(repository.Templates(t)))
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
		"own_key":      {"      SqsManagedSseEnabled: true\n", "      SqsManagedSseEnabled: true\n      KmsMasterKeyId: !Ref Key\n", "no key of its own"},
		"key_by_alias": {"MessageRetentionPeriod: 1209600, SqsManagedSseEnabled: true", "KmsMasterKeyId: alias/aws/sqs", "no key of its own"},
	})
	const role = "  Guest:\n    Type: AWS::IAM::Role\n    Properties:\n      AssumeRolePolicyDocument:\n        Statement:\n          - {Effect: Allow, Principal: {Federated: cognito-identity.amazonaws.com}, Action: sts:AssumeRoleWithWebIdentity," +
		" Condition: {StringEquals: {\"cognito-identity.amazonaws.com:aud\": p, \"cognito-identity.amazonaws.com:amr\": unauthenticated}}}\n" +
		"      Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt Outbox.Arn}]}}]\n\n  Outbox:\n    Type"
	at := "  Outbox:\n    Type"
	repository.Plant(t, strangers, map[string]repository.Planted{
		"more":        {at, strings.Replace(role, "Action: sqs:SendMessage", "Action: [sqs:SendMessage, sqs:ReceiveMessage]", 1), "not [sqs:SendMessage sqs:ReceiveMessage]"},
		"other":       {at, strings.Replace(role, "Action: sqs:SendMessage", "Action: events:PutEvents", 1), "not [events:PutEvents]"},
		"managed":     {at, strings.Replace(role, "      Policies:", "      ManagedPolicyArns: [x]\n      Policies:", 1), "no managed policy"},
		"any_pool":    {at, strings.Replace(role, ":aud\"", ":sub\"", 1), "without cognito-identity.amazonaws.com:aud"},
		"any_visitor": {at, strings.Replace(role, ":amr\"", ":sub\"", 1), "without cognito-identity.amazonaws.com:amr"},
	})
	if found := strangers([]*repository.Template{repository.MustParse(t, "x.yaml", strings.Replace(repository.Good(t), at, role, 1))}); len(found) > 0 {
		t.Errorf("a good role is found guilty: %v", found)
	}
	repository.Plant(t, dropped, map[string]repository.Planted{
		"gateway_responses": {at, "  A:\n    Type: AWS::Serverless::Api\n    Properties: {GatewayResponses: {DEFAULT_4XX: {}}}\n" + at, "GatewayResponses are not deployed"},
		"elsewhere":         {at, "  N:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: https://example.com/x.yaml}\n" + at, "lies elsewhere"},
	})
}
