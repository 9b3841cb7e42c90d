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

// topics: each topic has a policy and is encrypted. One that takes alarms is not: a key that
// stops what it is for must not stop the alarm about it (docs/adr/0037). CloudWatch cannot
// use the key of SNS, alias/aws/sns, at all
// (https://repost.aws/knowledge-center/cloudwatch-configure-alarm-sns).
func topics(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		var named, alarmed, ofServices []string
		for _, p := range t.Resources("AWS::SNS::TopicPolicy") {
			ids := template.Texts(p.Prop("Topics"))
			named = append(named, ids...)
			if admitsAlarms(p) {
				alarmed = append(alarmed, ids...)
			}
			if opensTo(p, ".amazonaws.com") {
				ofServices = append(ofServices, ids...)
			}
		}
		for _, topic := range t.Resources("AWS::SNS::Topic") {
			if !slices.Contains(named, "ref:"+topic.ID) {
				out = append(out, topic.String()+": no AWS::SNS::TopicPolicy")
			}
			switch encrypted := topic.Prop("KmsMasterKeyId") != nil; {
			case slices.Contains(alarmed, "ref:"+topic.ID) && encrypted:
				out = append(out, topic.String()+": it takes alarms, and a key that is disabled would stop them; remove KmsMasterKeyId")
			case !slices.Contains(alarmed, "ref:"+topic.ID) && !encrypted:
				out = append(out, topic.String()+": not encrypted")
			}
			if !slices.Contains(ofServices, "ref:"+topic.ID) { // AWS's services send no trace
				out = append(out, untraced(t, topic)...)
			}
		}
		for _, key := range t.Resources("AWS::KMS::Key") {
			if admitsAlarms(key) {
				out = append(out, key.String()+": its policy admits CloudWatch, but no topic with alarms has a key")
			}
		}
	}
	return out
}

// topicSegments is what SNS may do at X-Ray for a topic
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-services-sns.html).
const topicSegments = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sns.amazonaws.com"},` +
	`"Action":["xray:PutTraceSegments","xray:GetSamplingRules","xray:GetSamplingTargets"],"Resource":"*",` +
	`"Condition":{"StringEquals":{"aws:SourceAccount":"${AWS::AccountId}"},"StringLike":{"aws:SourceArn":"${TOPIC}"}}}]}`

// untraced: a topic of events takes part in traces, and SNS may send its segments for this
// topic only. Without the permission they are missing, and no call fails.
func untraced(t *template.Template, topic template.Resource) []string {
	if template.Text(topic.Prop("TracingConfig")) != "Active" {
		return []string{topic.String() + ": a trace ends at it; set TracingConfig: Active"}
	}
	want := strings.ReplaceAll(topicSegments, "TOPIC", topic.ID)
	for _, p := range t.Resources("AWS::XRay::ResourcePolicy") {
		if strings.ReplaceAll(template.Text(p.Prop("PolicyDocument")), " ", "") == want {
			return nil
		}
	}
	return []string{topic.String() + ": no AWS::XRay::ResourcePolicy lets SNS send the segments of this topic only"}
}

// admitsAlarms reports whether a policy lets CloudWatch's alarms in.
func admitsAlarms(r template.Resource) bool { return opensTo(r, "cloudwatch.amazonaws.com") }

// opensTo reports whether a policy allows anything to a principal whose name ends so.
func opensTo(r template.Resource, name string) bool {
	return slices.ContainsFunc(repository.Statements(r.Node), func(s *yaml.Node) bool {
		return template.Text(template.Get(s, "Effect")) == "Allow" && slices.ContainsFunc(repository.Principals(s), func(p string) bool { return strings.HasSuffix(p, name) })
	})
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
		"alarms_with_the_key_of_events": {
			"{Effect: Allow, Principal: {AWS: !Ref AWS::AccountId}, Action: sns:Subscribe, Resource: !Ref Topic}",
			"{Effect: Allow, Principal: {Service: cloudwatch.amazonaws.com}, Action: sns:Publish, Resource: !Ref Topic}", "it takes alarms, and a key",
		},
		"trace_ends":      {"      TracingConfig: Active\n", "", "a trace ends at it"},
		"segments_of_all": {`"aws:SourceArn":"${Topic}"`, `"aws:SourceArn":"*"`, "no AWS::XRay::ResourcePolicy"},
		"any_account":     {`"aws:SourceAccount":"${AWS::AccountId}"`, `"aws:SourceAccount":"*"`, "no AWS::XRay::ResourcePolicy"},
		"key_for_alarms":  {"Principal: {Service: events.amazonaws.com}", "Principal: {Service: [events.amazonaws.com, cloudwatch.amazonaws.com]}", "its policy admits CloudWatch"},
	})
	repository.Plant(t, permissions, map[string]repository.Planted{
		"no_reason": {"      # Reason: the pool comes later.\n", "", "without a '# Reason:'"},
	})
}
