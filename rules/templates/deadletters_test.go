package templates

import (
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// deadLetterSources: a dead-letter queue accepts dead letters only from its own
// queues. RedriveAllowPolicy applies to queues only: a topic needs a queue policy, and
// a function its role.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func deadLetterSources(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, q := range t.Resources("AWS::SQS::Queue") {
			if !slices.Contains(deadLetterTargets(t), q.ID) {
				continue
			}
			want := sourcesOf(q)
			permission := template.Text(q.Prop("RedriveAllowPolicy", "redrivePermission"))
			if len(want) == 0 {
				if permission != "denyAll" {
					out = append(out, q.String()+": RedriveAllowPolicy is not denyAll, and no queue sends to it")
				}
				continue
			}
			named := template.Texts(q.Prop("RedriveAllowPolicy", "sourceQueueArns"))
			slices.Sort(named)
			if permission != "byQueue" || !slices.Equal(named, want) {
				out = append(out, q.String()+": RedriveAllowPolicy is not byQueue with "+strings.Join(want, ", "))
			}
		}
	}
	return out
}

// sourcesOf returns the ARNs of the queues that send their dead letters to a queue.
func sourcesOf(dead template.Resource) []string {
	var out []string
	for _, q := range dead.Resources("AWS::SQS::Queue") {
		if template.Text(q.Prop("RedrivePolicy", "deadLetterTargetArn")) == "att:"+dead.ID+".Arn" {
			name := template.Text(q.Prop("QueueName"))
			if ref, ok := strings.CutPrefix(name, "ref:"); ok {
				name = "${" + ref + "}"
			}
			out = append(out, "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:"+name)
		}
	}
	slices.Sort(out)
	return out
}

// tlsOnly: every queue and topic policy denies calls without TLS. It covers only the
// services; the example of another team is kept short.
func tlsOnly(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		if !strings.HasPrefix(t.Path, "services/") {
			continue
		}
		policies := append(t.Resources("AWS::SQS::QueuePolicy"), t.Resources("AWS::SNS::TopicPolicy")...)
		for _, p := range policies {
			action := map[string]string{"AWS::SQS::QueuePolicy": "sqs:*", "AWS::SNS::TopicPolicy": "sns:Publish"}[p.Type]
			covered := map[string]bool{}
			for _, s := range repository.Statements(p.Node) {
				secure, _ := repository.Condition(s, "aws:SecureTransport")
				if template.Text(template.Get(s, "Effect")) != "Deny" || secure != "false" || !slices.Equal(repository.Principals(s), []string{"*"}) ||
					!slices.Contains(template.Texts(template.Get(s, "Action")), action) || len(template.Get(s, "Condition").Content) != 2 {
					continue
				}
				for _, r := range template.Texts(template.Get(s, "Resource")) {
					covered[strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(r, "att:"), "Arn"), ".")] = true
					covered[strings.TrimPrefix(r, "ref:")] = true
				}
			}
			for _, of := range append(template.Texts(p.Prop("Queues")), template.Texts(p.Prop("Topics"))...) {
				// An output with a queue's ARN and one with its address differ in their ends.
				if !covered[strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(of, "ref:"), "att:"), "Url")] {
					out = append(out, p.String()+": does not deny "+action+" without TLS on "+strings.TrimPrefix(of, "ref:"))
				}
			}
		}
	}
	return out
}

func TestDeadLetterSources(t *testing.T) {
	t.Parallel()
	repository.Report(t, deadLetterSources(repository.Templates(t)))
}

func TestTLSOnly(t *testing.T) {
	t.Parallel()
	repository.Report(t, tlsOnly(repository.Templates(t)))
}

func TestDeadLetterSourcesPlanted(t *testing.T) {
	t.Parallel()
	const policy = `RedriveAllowPolicy: {redrivePermission: byQueue, sourceQueueArns: [!Sub "arn:${AWS::Partition}:sqs:${AWS::Region}:${AWS::AccountId}:gatehouse-${Environment}-good-outbox"]}`
	repository.Plant(t, deadLetterSources, map[string]repository.Planted{
		"none":        {", " + policy, "", "Dead: RedriveAllowPolicy is not byQueue"},
		"any_queue":   {"redrivePermission: byQueue", "redrivePermission: allowAll", "Dead: RedriveAllowPolicy is not byQueue"},
		"other_queue": {"good-outbox\"]", "good-metrics\"]", "Dead: RedriveAllowPolicy is not byQueue"},
		"one_more":    {"  Outbox:\n", "  More: {Type: AWS::SQS::Queue, Properties: {QueueName: more, RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn}}}\n  Outbox:\n", ":more"},
		"of_no_queue": {"      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1000} # 16 hours\n", "", "Dead: RedriveAllowPolicy is not denyAll"},
	})
}

func TestTLSOnlyPlanted(t *testing.T) {
	t.Parallel()
	repository.Plant(t, tlsOnly, map[string]repository.Planted{
		"queue_open":     {`Action: "sqs:*"`, "Action: sqs:SendMessage", "does not deny sqs:* without TLS on Outbox"},
		"topic_open":     {`Action: sns:Publish, Condition: {Bool: {aws:SecureTransport: "false"}}`, "Action: sns:Publish", "does not deny sns:Publish without TLS on Topic"},
		"upside_down":    {`aws:SecureTransport: "false"`, `aws:SecureTransport: "true"`, "without TLS on"},
		"one_queue_less": {"Queues: [!Ref Outbox]", "Queues: [!Ref Outbox, !Ref Dead]", "without TLS on Dead"},
		"for_some":       {`{Sid: TlsOnly, Effect: Deny, Principal: "*"`, `{Sid: TlsOnly, Effect: Deny, Principal: {AWS: "111122223333"}`, "without TLS on"},
		"and_more":       {`Bool: {aws:SecureTransport: "false"}}`, `Bool: {aws:SecureTransport: "false"}, StringEquals: {aws:SourceAccount: x}}`, "without TLS on"},
		"allowed":        {"{Sid: TlsOnly, Effect: Deny", "{Sid: TlsOnly, Effect: Allow", "without TLS on"},
	})
}
