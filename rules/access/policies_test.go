package access

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// reasoned reports whether a comment above the value, or above its key, gives a reason.
func reasoned(t *template.Template, statement *yaml.Node, name string) bool {
	for key, value := range template.Pairs(statement) {
		if key.Value != name {
			continue
		}
		lines := []int{key.Line, value.Line}
		template.Walk(value, func(n *yaml.Node) { lines = append(lines, n.Line) })
		return slices.ContainsFunc(lines, func(line int) bool {
			return strings.Contains(t.CommentAbove(line), "# Reason:")
		})
	}
	return false
}

// policies: nothing is allowed to everyone, or on every resource, without a written reason.
func policies(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, s := range repository.Statements(t.Root) {
			say := func(format string, args ...any) {
				out = append(out, fmt.Sprintf("%s:%d: ", t.Path, s.Line)+fmt.Sprintf(format, args...))
			}
			if template.Get(s, "NotAction") != nil || template.Get(s, "NotResource") != nil {
				say("NotAction and NotResource allow everything that is not listed")
			}
			if template.Text(template.Get(s, "Effect")) == "Deny" {
				continue
			}
			for _, action := range template.Texts(template.Get(s, "Action")) {
				switch {
				case action == "*":
					say("Action *")
				case strings.HasSuffix(action, ":*") && !reasoned(t, s, "Action"):
					say("Action %s without a '# Reason:' comment", action)
				}
			}
			for _, resource := range template.Texts(template.Get(s, "Resource")) {
				if strings.Contains(resource, "*") && !reasoned(t, s, "Resource") {
					say("Resource %s without a '# Reason:' comment", resource)
				}
			}
			for _, principal := range repository.Principals(s) {
				if principal == "*" && !reasoned(t, s, "Principal") {
					say("Principal * without a '# Reason:' comment")
				}
			}
		}
	}
	return append(out, queuePolicies(all)...)
}

// queuePolicies: a service may send to a queue only for one source. The account may be
// omitted if the source is a complete ARN, which contains the account.
func queuePolicies(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("AWS::SQS::QueuePolicy") {
			for _, s := range repository.Statements(r.Node) {
				if template.Get(s, "Principal", "Service") == nil {
					continue
				}
				source, ok := repository.Condition(s, "aws:SourceArn")
				if !ok {
					out = append(out, r.String()+": a service may send without aws:SourceArn")
				}
				if _, ok := repository.Condition(s, "aws:SourceAccount"); !ok && strings.Contains(source, "*") {
					out = append(out, r.String()+": aws:SourceArn has a *, so aws:SourceAccount is needed")
				}
			}
		}
	}
	return out
}

// topics: each topic has a policy and is encrypted.
func topics(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		var named []string
		for _, p := range t.Resources("AWS::SNS::TopicPolicy") {
			named = append(named, template.Texts(p.Prop("Topics"))...)
		}
		for _, topic := range t.Resources("AWS::SNS::Topic") {
			if !slices.Contains(named, "ref:"+topic.ID) {
				out = append(out, topic.String()+": no AWS::SNS::TopicPolicy")
			}
			if topic.Prop("KmsMasterKeyId") == nil {
				out = append(out, topic.String()+": not encrypted")
			}
		}
	}
	return out
}

// permissions: an asterisk in the source of a Lambda permission needs a reason, too.
func permissions(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, p := range t.Resources("AWS::Lambda::Permission") {
			if strings.Contains(template.Text(p.Prop("SourceArn")), "*") && !reasoned(t, p.Prop(), "SourceArn") {
				out = append(out, p.String()+": SourceArn with a * without a '# Reason:' comment")
			}
		}
	}
	return out
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	repository.Report(t, policies(repository.Templates(t)))
}

func TestTopics(t *testing.T) {
	t.Parallel()
	repository.Report(t, topics(repository.Templates(t)))
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	repository.Report(t, permissions(repository.Templates(t)))
}

func TestPoliciesPlanted(t *testing.T) {
	t.Parallel()
	repository.Plant(t, policies, map[string]repository.Planted{
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
	repository.Plant(t, topics, map[string]repository.Planted{
		"no_topic_policy": {"Topics: [!Ref Topic]", "Topics: [!Ref Other]", "no AWS::SNS::TopicPolicy"},
		"not_encrypted":   {"      KmsMasterKeyId: !GetAtt Key.Arn\n", "", "not encrypted"},
	})
	repository.Plant(t, permissions, map[string]repository.Planted{
		"no_reason": {"      # Reason: the pool comes later.\n", "", "without a '# Reason:'"},
	})
}
