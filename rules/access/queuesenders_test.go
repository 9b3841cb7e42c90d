package access

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/policy"
	workspace "gatehouse.example/tools/stacks"
	"gatehouse.example/tools/template"
)

// guarded is a queue as it would be deployed, with its policy.
type guarded struct {
	deployed
	policy policy.Document
	// text is the policy as JSON.
	text string
}

// sender is a role with the queues that its own policies allow it to send to.
type sender struct {
	deployed
	to []string
}

// queueSenders: whatever IAM allows, only these can send to a queue: the roles whose
// own policies allow it by the queue's name, and the topic that has a subscription for
// it. It decides with every role of every service, and with strangers.
//
// SQS itself moves dead letters without a permission: the documentation names only
// RedriveAllowPolicy for it
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html).
// Should it ask the policy, then as a service, which the denials exempt.
func queueSenders(all []*template.Template) []string {
	of, dirs := map[string]*template.Template{}, map[string]string{}
	for _, t := range all {
		of[t.Path] = t
		dirs[path.Base(repository.Dir(t))] = repository.Dir(t)
	}
	e := estate{}
	var senders []sender
	for _, role := range executionRoles(all) {
		for _, environment := range workspace.Environments {
			found, err := describedIn(dirs[role.service], of, role.service, environment, nil)
			if err != nil {
				return []string{err.Error()}
			}
			if e[environment] == nil {
				e[environment] = map[string][]deployed{}
			}
			e[environment][role.service] = found
			roles, err := sendersOf(found)
			if err != nil {
				return []string{err.Error()}
			}
			senders = append(senders, roles...)
		}
	}
	var findings []string
	for _, environment := range workspace.Environments {
		queues, errs := e.guarded(environment)
		findings = append(findings, errs...)
		for _, q := range queues {
			findings = append(findings, q.roles(senders)...)
			findings = append(findings, q.strangers(slices.Collect(maps.Keys(e[environment])))...)
			findings = append(findings, q.services(e[environment])...)
		}
	}
	slices.Sort(findings)
	return slices.Compact(findings)
}

// guarded are the queues of an environment. Each has one policy: SQS keeps only the
// last one that is set.
func (e estate) guarded(environment string) (queues []guarded, findings []string) {
	policies := map[string][]string{} // JSON, by the queue's name
	for _, service := range e[environment] {
		for _, d := range service {
			if d.Type != "AWS::SQS::QueuePolicy" {
				continue
			}
			names, err := d.texts("Queues")
			text, err2 := d.json("PolicyDocument")
			if err != nil || err2 != nil {
				findings = append(findings, fmt.Sprintf("%s: %v, %v", d, err, err2))
			}
			for _, name := range names {
				policies[name] = append(policies[name], text)
			}
		}
	}
	for _, service := range e[environment] {
		for _, d := range service {
			if d.Type != "AWS::SQS::Queue" {
				continue
			}
			if len(policies[d.name]) != 1 {
				findings = append(findings, fmt.Sprintf("%s has %d policies, want one that denies everybody but its senders", d, len(policies[d.name])))
				continue
			}
			q := guarded{deployed: d, text: policies[d.name][0]}
			var err error
			if q.policy, err = policy.Parse(q.text); err != nil {
				findings = append(findings, fmt.Sprintf("%s: %v", d, err))
			}
			if unknown := q.policy.Operators(); len(unknown) > 0 {
				findings = append(findings, fmt.Sprintf("%s: tools/policy does not implement the conditions %v", d, unknown))
			}
			queues = append(queues, q)
		}
	}
	return queues, findings
}

// lets reports whether the queue's policy lets somebody send to whom IAM allows
// everything.
func (q guarded) lets(principal string, more map[string]string) bool {
	keys := map[string]string{"aws:principalarn": principal, "aws:principalisawsservice": "false", "aws:securetransport": "true"}
	maps.Copy(keys, more)
	denials := policy.Document{Statement: []policy.Statement{{Effect: "Allow", Action: policy.Strings{"*"}, Resource: policy.Strings{"*"}}}}
	for _, s := range q.policy.Statement {
		if s.Effect == "Deny" && string(s.Principal) == `"*"` {
			denials.Statement = append(denials.Statement, s)
		}
	}
	return policy.Request{Action: "sqs:SendMessage", Resource: q.arn, Keys: keys}.Allowed(denials)
}

// roles: of all roles, the policy lets send exactly those that need to. CloudFormation
// draws the names of another stack's roles, so a path may stand for them.
func (q guarded) roles(all []sender) []string {
	var out []string
	needing, beside := map[string]bool{}, map[string][]string{} // by service
	for _, s := range all {
		lets := q.lets(s.arn, nil)
		needs := s.environment == q.environment && slices.ContainsFunc(s.to, func(pattern string) bool { return pattern == q.arn || policy.Match(pattern, q.arn) && q.open() })
		if needs {
			needing[s.service] = true
		}
		switch {
		case needs && !lets:
			out = append(out, fmt.Sprintf("%s in %s needs to send to %s, whose policy denies it", s, s.environment, q.ID))
		case needs && q.lets(s.arn, map[string]string{"aws:securetransport": "false"}):
			out = append(out, fmt.Sprintf("%s can send to %s in %s without TLS", s, q.ID, s.environment))
		case !needs && lets && s.environment == q.environment && s.service != q.service:
			beside[s.service] = append(beside[s.service], fmt.Sprintf("%s can send to %s in %s, if IAM allows it", s, q.ID, s.environment))
		case !needs && lets:
			out = append(out, fmt.Sprintf("%s of %s can send to %s in %s, if IAM allows it", s, s.environment, q.ID, q.environment))
		}
	}
	for service, findings := range beside {
		if !needing[service] {
			out = append(out, findings...)
		}
	}
	return out
}

// open reports whether a pattern for all queues of the environment, which the operator
// has, means this one. It does not mean those that only apps or one function send to.
func (q guarded) open() bool {
	return !strings.HasSuffix(q.name, "-dlq") && !strings.HasSuffix(q.name, "-failed") && !strings.Contains(q.name, "-client-events-")
}

// strangers: nobody else sends, whatever IAM allows, here or in another account.
func (q guarded) strangers(services []string) []string {
	own := "role/gatehouse/" + q.environment + "/"
	who := []string{
		"root", "user/administrator", "role/administrator", "role/" + q.service, "role/gatehouse-" + q.environment + "-user-events-operator",
		own + "gatehouse-" + q.environment + "-user-events-operator", own + "user-events/gatehouse-" + q.environment + "-user-events-operator2",
		own + "pipeline/gatehouse-" + q.environment + "-canary", "role/gatehouse/other/user-events/gatehouse-other-user-events-operator", own + q.service + "/Stranger",
	}
	var out []string
	for i := range who {
		who[i] = arn("iam::" + account + ":" + who[i])
	}
	for _, service := range services {
		who = append(who, arn("iam::444455556666:"+own+service+"/gatehouse-"+q.environment+"-"+service+"-operator"))
	}
	for _, principal := range who {
		if q.lets(principal, nil) {
			out = append(out, fmt.Sprintf("%s can send to %s in %s, if IAM allows it", principal, q.ID, q.environment))
		}
	}
	return out
}

// services: the topic of a subscription sends to its queue and to its dead-letter queue,
// and no other service sends anything.
func (q guarded) services(of map[string][]deployed) []string {
	topics, err := subscribed(of, q.arn)
	if err != nil {
		return []string{err.Error()}
	}
	var out []string
	ask := func(service, source string) bool {
		return policy.Request{Service: service, Action: "sqs:SendMessage", Resource: q.arn, Keys: map[string]string{
			"aws:principalisawsservice": "true", "aws:sourcearn": source, "aws:sourceaccount": account, "aws:securetransport": "true",
		}}.AllowedBy(q.text)
	}
	for _, topic := range topics {
		if !ask("sns.amazonaws.com", topic) {
			out = append(out, fmt.Sprintf("%s cannot send to %s in %s", topic, q.ID, q.environment))
		}
	}
	for _, service := range []string{"sns.amazonaws.com", "events.amazonaws.com", "lambda.amazonaws.com", "s3.amazonaws.com", "sqs.amazonaws.com"} {
		for _, source := range append([]string{arn("sns:" + region + ":" + account + ":another"), arn("events:" + region + ":" + account + ":rule/x")}, topics...) {
			if (service != "sns.amazonaws.com" || !slices.Contains(topics, source)) && ask(service, source) {
				out = append(out, fmt.Sprintf("%s can send to %s in %s for %s", service, q.ID, q.environment, source))
			}
		}
	}
	return out
}

// subscribed are the topics with a subscription that sends to a queue, or sends there
// what it cannot deliver.
func subscribed(of map[string][]deployed, queue string) ([]string, error) {
	var out []string
	for _, service := range of {
		for _, d := range service {
			if d.Type != "AWS::SNS::Subscription" {
				continue
			}
			text, err := d.json("")
			if err != nil {
				return nil, err
			}
			var s struct {
				Endpoint, TopicArn string
				RedrivePolicy      struct{ DeadLetterTargetArn string }
			}
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				return nil, fmt.Errorf("%s: json.Unmarshal: %w", d, err)
			}
			if s.Endpoint == queue || s.RedrivePolicy.DeadLetterTargetArn == queue {
				out = append(out, s.TopicArn)
			}
		}
	}
	return out, nil
}

// sendersOf are the roles of a stack, with the queues that their own policies name.
func sendersOf(resources []deployed) ([]sender, error) {
	var out []sender
	for _, d := range resources {
		if d.Type != "AWS::IAM::Role" {
			continue
		}
		text, err := d.json("Policies")
		if err != nil {
			return nil, err
		}
		var policies []struct{ PolicyDocument policy.Document }
		if err := json.Unmarshal([]byte(text), &policies); err != nil {
			return nil, fmt.Errorf("%s: json.Unmarshal: %w", d, err)
		}
		s := sender{deployed: d}
		for _, p := range policies {
			for _, statement := range p.PolicyDocument.Statement {
				if statement.Effect == "Allow" && slices.ContainsFunc(statement.Action, func(a string) bool { return policy.MatchFold(a, "sqs:SendMessage") }) {
					s.to = append(s.to, statement.Resource...)
				}
			}
		}
		out = append(out, s)
	}
	return out, nil
}

// json is a property of a resource, or all of them, with its references resolved.
func (d deployed) json(property string) (string, error) {
	n := d.Prop()
	if property != "" {
		n = d.Prop(property)
	}
	v, err := d.values.Value(context.Background(), n)
	if err != nil {
		return "", fmt.Errorf("%s: template.Value: %w", d, err)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("%s: json.Marshal: %w", d, err)
	}
	return string(text), nil
}

func (d deployed) texts(property string) ([]string, error) {
	text, err := d.json(property)
	if err != nil {
		return nil, err
	}
	var out []string
	if err := json.Unmarshal([]byte(text), &out); err != nil {
		return nil, fmt.Errorf("%s: json.Unmarshal: %w", d, err)
	}
	return out, nil
}

func TestQueueSenders(t *testing.T) {
	t.Parallel()
	repository.Report(t, queueSenders(repository.Templates(t)))
}

func TestQueueSendersPlanted(t *testing.T) {
	t.Parallel()
	const (
		events, clients = "services/user-events/template.yaml", "services/user-events/client-events.yaml"
		operator, audit = "services/user-events/operator.yaml", "services/signin-audit/template.yaml"
		failed, service = "services/log-encryptor/template.yaml", `BoolIfExists: {aws:PrincipalIsAWSService: "false"}`
		metrics         = "Resource: !GetAtt MetricsQueue.Arn,\n           Condition: {ArnNotLike: {aws:PrincipalArn: !GetAtt Operator.Outputs.RoleArn}, " + service + "}}"
		dead            = "!GetAtt MetricsDlq.Arn,\n           Condition: {ArnNotLike: {aws:PrincipalArn: !GetAtt MetricsFunctionRole.Arn}, " + service + "}}"
		publishers      = "role/gatehouse/${Environment}/signup-guard/*"
	)
	mutate(t, queueSenders, map[string]mutation{
		"no_denial":               {events, "Effect: Deny, Principal: \"*\", Action: sqs:SendMessage, " + metrics, "Effect: Allow, Principal: {Service: sns.amazonaws.com}, Action: sqs:SendMessage, " + metrics, "role/administrator can send to MetricsQueue"},
		"no_policy":               {events, "Queues: [!Ref Outbox, !Ref OutboxDlq]", "Queues: [!Ref OutboxDlq]", "Outbox has 0 policies"},
		"two_policies":            {events, "Queues: [!Ref BridgeQueue, !Ref BridgeDlq]", "Queues: [!Ref BridgeQueue, !Ref BridgeDlq, !Ref Outbox]", "Outbox has 2 policies"},
		"no_policy_of_apps":       {clients, "Queues: [!Ref ClientEventsUserQueue]", "Queues: []", "ClientEventsUserQueue has 0 policies"},
		"other_queue":             {events, metrics, strings.Replace(metrics, "MetricsQueue", "BridgeQueue", 1), "role/administrator can send to MetricsQueue"},
		"other_action":            {events, "Action: sqs:SendMessage, " + metrics, "Action: sqs:ReceiveMessage, " + metrics, "role/administrator can send to MetricsQueue"},
		"for_some":                {events, `Principal: "*", Action: sqs:SendMessage, ` + metrics, `Principal: {AWS: "111122223333"}, Action: sqs:SendMessage, ` + metrics, ":root can send to MetricsQueue"},
		"all_of_a_service":        {events, metrics, strings.Replace(metrics, "!GetAtt Operator.Outputs.RoleArn", `!Sub "arn:aws:iam::${AWS::AccountId}:role/gatehouse/${Environment}/user-events/*"`, 1), "DrainFunctionRole of dev can send to MetricsQueue"},
		"all_environments":        {events, publishers, "role/gatehouse/*/signup-guard/*", "PreSignUpFunctionRole of test can send to Outbox in dev"},
		"of_any_account":          {events, `!Sub "arn:${AWS::Partition}:iam::${AWS::AccountId}:` + publishers, `!Sub "arn:${AWS::Partition}:iam::*:` + publishers, "can send to Outbox"},
		"by_a_name":               {events, metrics, strings.Replace(metrics, "!GetAtt Operator.Outputs.RoleArn", `!Sub "arn:aws:iam::${AWS::AccountId}:role/*-operator"`, 1), ":role/gatehouse-dev-user-events-operator can send to MetricsQueue"},
		"publishers_forgotten":    {events, publishers, "role/gatehouse/${Environment}/signup-guards/*", "PreSignUpFunctionRole in dev needs to send to Outbox"},
		"operator_forgotten":      {events, "!GetAtt PostConfirmationFunctionRole.Arn, !GetAtt Operator.Outputs.RoleArn]", "!GetAtt PostConfirmationFunctionRole.Arn]", "OperatorRole in dev needs to send to Outbox"},
		"another_operator":        {operator, "RoleName: !Sub gatehouse-${Environment}-user-events-operator", "RoleName: !Sub gatehouse-${Environment}-operator", "OperatorRole in dev needs to send to RecorderQueue"},
		"consumer_forgotten":      {events, dead, strings.Replace(dead, "MetricsFunctionRole", "DrainFunctionRole", 1), "MetricsFunctionRole in dev needs to send to MetricsDlq"},
		"permission_forgotten":    {audit, "{Effect: Allow, Action: sqs:SendMessage, Resource: !GetAtt RecorderDeadLetterQueue.Arn}", "{Effect: Allow, Action: sqs:GetQueueUrl, Resource: !GetAtt RecorderDeadLetterQueue.Arn}", "RecorderFunctionRole of dev can send to RecorderDeadLetterQueue"},
		"failed_open":             {failed, "Queues: [!Ref Failed]", "Queues: []", "Failed has 0 policies"},
		"dead_letters_by_anybody": {audit, "Resource: !GetAtt RecorderDeadLetterQueue.Arn,\n             Condition: {ArnNotLike", "Resource: !GetAtt RecorderQueue.Arn,\n             Condition: {ArnNotLike", "role/administrator can send to RecorderDeadLetterQueue"},
		"topic_denied":            {events, metrics, strings.Replace(metrics, ", "+service, "", 1), "user-events cannot send to MetricsQueue"},
		"topic_not_allowed":       {events, "Resource: [!GetAtt MetricsQueue.Arn, !GetAtt MetricsDlq.Arn], Condition: {ArnEquals", "Resource: [!GetAtt MetricsQueue.Arn], Condition: {ArnEquals", "user-events cannot send to MetricsDlq"},
		"any_topic":               {events, "ArnEquals: {aws:SourceArn: !GetAtt Topic.Outputs.TopicArn}", `ArnLike: {aws:SourceArn: "arn:aws:sns:*"}`, "sns.amazonaws.com can send to MetricsQueue in dev for arn:aws:sns:eu-central-1:111122223333:another"},
		"any_service":             {events, "Principal: {Service: sns.amazonaws.com}", "Principal: {Service: [events.amazonaws.com, sns.amazonaws.com]}", "events.amazonaws.com can send to MetricsQueue"},
		"without_tls":             {events, `aws:SecureTransport: "false"`, `aws:SecureTransport: "no"`, "without TLS"},
		"unknown_operator":        {events, "BoolIfExists: {aws:PrincipalIsAWSService", "BoolIfPresent: {aws:PrincipalIsAWSService", "does not implement the conditions [BoolIfPresent]"},
	})
}
