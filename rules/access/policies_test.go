package rules_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules"
)

// statements are the policy statements anywhere below a node.
func statements(n *yaml.Node) []*yaml.Node {
	var out []*yaml.Node
	rules.Walk(n, func(s *yaml.Node) {
		if rules.Get(s, "Effect") != nil && (rules.Get(s, "Action") != nil || rules.Get(s, "NotAction") != nil) {
			out = append(out, s)
		}
	})
	return out
}

// reasoned says whether a comment above the value, or above its key, gives a reason.
func reasoned(t *rules.Template, statement *yaml.Node, name string) bool {
	for key, value := range rules.Pairs(statement) {
		if key.Value != name {
			continue
		}
		lines := []int{key.Line, value.Line}
		rules.Walk(value, func(n *yaml.Node) { lines = append(lines, n.Line) })
		return slices.ContainsFunc(lines, func(line int) bool {
			return strings.Contains(t.CommentAbove(line), "# Reason:")
		})
	}
	return false
}

// policies: nothing is allowed to everybody or on everything without a reason
// that is written beside it.
func policies(all []*rules.Template) []string {
	var out []string
	for _, t := range all {
		for _, s := range statements(t.Root) {
			say := func(format string, args ...any) {
				out = append(out, fmt.Sprintf("%s:%d: ", t.Path, s.Line)+fmt.Sprintf(format, args...))
			}
			if rules.Get(s, "NotAction") != nil || rules.Get(s, "NotResource") != nil {
				say("NotAction and NotResource allow what nobody thought of")
			}
			if rules.Text(rules.Get(s, "Effect")) == "Deny" {
				continue
			}
			for _, action := range rules.Texts(rules.Get(s, "Action")) {
				switch {
				case action == "*":
					say("Action *")
				case strings.HasSuffix(action, ":*") && !reasoned(t, s, "Action"):
					say("Action %s without a '# Reason:' comment", action)
				}
			}
			for _, resource := range rules.Texts(rules.Get(s, "Resource")) {
				if strings.Contains(resource, "*") && !reasoned(t, s, "Resource") {
					say("Resource %s without a '# Reason:' comment", resource)
				}
			}
			for _, principal := range principals(s) {
				if principal == "*" && !reasoned(t, s, "Principal") {
					say("Principal * without a '# Reason:' comment")
				}
			}
		}
	}
	return append(out, queuePolicies(all)...)
}

// principals are all principals of a statement, whatever their kind.
func principals(s *yaml.Node) []string {
	p := rules.Get(s, "Principal")
	if p == nil {
		return nil
	}
	if p.Kind != yaml.MappingNode {
		return []string{rules.Text(p)}
	}
	var out []string
	for _, value := range rules.Pairs(p) {
		out = append(out, rules.Texts(value)...)
	}
	return out
}

// condition is the value of a condition key under any operator, and whether it is there.
func condition(s *yaml.Node, name string) (string, bool) {
	for _, operator := range rules.Pairs(rules.Get(s, "Condition")) {
		for key, value := range rules.Pairs(operator) {
			if strings.EqualFold(key.Value, name) {
				return strings.Join(rules.Texts(value), " "), true
			}
		}
	}
	return "", false
}

// queuePolicies: a service may send to a queue for one source only. The account
// may be left out where the source is one whole ARN, for that names its account.
func queuePolicies(all []*rules.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("AWS::SQS::QueuePolicy") {
			for _, s := range statements(r.Node) {
				if rules.Get(s, "Principal", "Service") == nil {
					continue
				}
				source, ok := condition(s, "aws:SourceArn")
				if !ok {
					out = append(out, r.String()+": a service may send without aws:SourceArn")
				}
				if _, ok := condition(s, "aws:SourceAccount"); !ok && strings.Contains(source, "*") {
					out = append(out, r.String()+": aws:SourceArn has a *, so aws:SourceAccount is needed")
				}
			}
		}
	}
	return out
}

// topics: each topic says itself who may use it, and its key lets EventBridge in
// without conditions that EventBridge does not fill (events vanish silently).
func topics(all []*rules.Template) []string {
	var out []string
	for _, t := range all {
		var named []string
		for _, p := range t.Resources("AWS::SNS::TopicPolicy") {
			named = append(named, rules.Texts(p.Prop("Topics"))...)
		}
		for _, topic := range t.Resources("AWS::SNS::Topic") {
			if !slices.Contains(named, "ref:"+topic.ID) {
				out = append(out, topic.String()+": no AWS::SNS::TopicPolicy")
			}
			if topic.Prop("KmsMasterKeyId") == nil {
				out = append(out, topic.String()+": not encrypted")
			}
		}
		for _, key := range t.Resources("AWS::KMS::Key") {
			for _, s := range statements(key.Node) {
				if !slices.Contains(principals(s), "events.amazonaws.com") {
					continue
				}
				for _, name := range []string{"aws:SourceArn", "aws:SourceAccount"} {
					if _, ok := condition(s, name); ok {
						out = append(out, key.String()+": EventBridge does not send "+name+" to KMS, so its events would vanish")
					}
				}
			}
		}
	}
	return out
}

// permissions: an asterisk in the source of a Lambda permission has a reason too.
func permissions(all []*rules.Template) []string {
	var out []string
	for _, t := range all {
		for _, p := range t.Resources("AWS::Lambda::Permission") {
			if strings.Contains(rules.Text(p.Prop("SourceArn")), "*") && !reasoned(t, p.Prop(), "SourceArn") {
				out = append(out, p.String()+": SourceArn with a * without a '# Reason:' comment")
			}
		}
	}
	return out
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	report(t, policies(templates(t)))
}

func TestTopics(t *testing.T) {
	t.Parallel()
	report(t, topics(templates(t)))
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	report(t, permissions(templates(t)))
}

func TestPoliciesPlanted(t *testing.T) {
	t.Parallel()
	plant(t, policies, map[string]planted{
		"any_action":         {"Action: sqs:SendMessage, Res", "Action: '*', Res", "Action *"},
		"any_action_in_list": {"\"kms:GenerateDataKey*\", kms", "'*', kms", "Action *"},
		"all_of_a_service":   {"Action: sqs:SendMessage, Res", "Action: 'sqs:*', Res", "Action sqs:* without"},
		"any_resource":       {"Action: sns:Publish, Resource: !Ref Topic", "Action: sns:Publish, Resource: '*'", "Resource * without"},
		"part_of_a_resource": {"Action: sns:Publish, Resource: !Ref Topic", "Action: sns:Publish, Resource: !Sub 'arn:${AWS::Partition}:sns:*'", "without a '# Reason:'"},
		"reason_taken_away":  {"            # Reason: in a key policy the asterisk stands for this key.\n", "", "Resource * without"},
		"anybody":            {"Principal: {AWS: !Ref AWS::AccountId}", "Principal: '*'", "Principal * without"},
		"anybody_in_aws":     {"Principal: {AWS: !Ref AWS::AccountId}", "Principal: {AWS: ['*']}", "Principal * without"},
		"not_action":         {"Action: sqs:SendMessage, Res", "NotAction: iam:PassRole, Res", "NotAction"},
		"no_source":          {"aws:SourceArn: !Ref Topic", "aws:PrincipalArn: !Ref Topic", "without aws:SourceArn"},
		"any_source_account": {"              ArnEquals: {aws:SourceArn: !Ref Topic}\n              StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}", "              ArnLike: {aws:SourceArn: 'arn:aws:sns:*:*:x'}", "aws:SourceAccount is needed"},
	})
	plant(t, topics, map[string]planted{
		"no_topic_policy":  {"Topics: [!Ref Topic]", "Topics: [!Ref Other]", "no AWS::SNS::TopicPolicy"},
		"not_encrypted":    {"Properties: {KmsMasterKeyId: !GetAtt Key.Arn}", "Properties: {}", "not encrypted"},
		"eventbridge_lost": {"Action: [kms:Decrypt, kms:GenerateDataKey]", "Condition: {StringEquals: {aws:SourceAccount: !Ref AWS::AccountId}}\n            Action: [kms:Decrypt, kms:GenerateDataKey]", "would vanish"},
	})
	plant(t, permissions, map[string]planted{
		"no_reason": {"      # Reason: the pool comes later.\n", "", "without a '# Reason:'"},
	})
}
