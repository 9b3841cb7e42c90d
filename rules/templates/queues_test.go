package templates

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// longestRetention is the maximum of SQS: 14 days, in seconds.
const longestRetention = "1209600"

// deadLetterTargets returns the queues that a stack sends dead letters to: messages
// that SQS, and invocations that Lambda, no longer retries.
func deadLetterTargets(t *template.Template) []string {
	var out []string
	template.Walk(t.Root, func(n *yaml.Node) {
		for _, target := range []*yaml.Node{template.Get(n, "deadLetterTargetArn"), template.Get(n, "OnFailure", "Destination")} {
			if target != nil {
				out = append(out, strings.TrimSuffix(strings.TrimPrefix(template.Text(target), "att:"), ".Arn"))
			}
		}
	})
	return out
}

// queues: no message is lost, and a function has time to handle what it received.
func queues(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		dead := deadLetterTargets(t)
		for _, q := range t.Resources("AWS::SQS::Queue") {
			if template.Text(q.Prop("SqsManagedSseEnabled")) != "true" {
				out = append(out, q.String()+": SqsManagedSseEnabled is not true")
			}
			if seconds := template.Text(q.Prop("MessageRetentionPeriod")); seconds != longestRetention {
				out = append(out, q.String()+": MessageRetentionPeriod is not the longest, "+longestRetention)
			}
			if slices.Contains(dead, q.ID) {
				out = append(out, deadLetterAlarm(q, all)...)
				continue
			}
			// A disconnected consumer causes no error; only the age of the queue grows.
			if !watched(q, "ApproximateAgeOfOldestMessage", all) {
				out = append(out, q.String()+": no alarm on the age of its messages")
			}
			out = append(out, outlasts(q)...)
		}
		out = append(out, consumers(t, all)...)
		out = append(out, subscriptions(t)...)
	}
	return out
}

// outage is how long, at least, the consumer of a service's queue may be down before
// events are dead letters and need a person: a night and a morning.
const outage = 16 * time.Hour

// outlasts: an outage of hours ends without dead letters. A failed message is received
// again after the visibility timeout, and SQS moves it after maxReceiveCount times, which
// is 1000 at most. The template says how long that is.
// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-dead-letter-queues.html
func outlasts(q template.Resource) []string {
	count, err := strconv.Atoi(template.Text(q.Prop("RedrivePolicy", "maxReceiveCount")))
	if err != nil {
		return []string{q.String() + ": no RedrivePolicy with maxReceiveCount"}
	}
	lasts := time.Duration(count) * time.Duration(seconds(q)) * time.Second
	if lasts < outage {
		return []string{fmt.Sprintf("%s: maxReceiveCount times VisibilityTimeout is %s, want %s or more", q, lasts, outage)}
	}
	says := fmt.Sprintf(" %d hours", int(lasts.Hours()))
	if _, comment, _ := strings.Cut(q.Lines[q.Prop("RedrivePolicy", "maxReceiveCount").Line-1], "#"); !strings.Contains(comment, says) {
		return []string{q.String() + ": the comment at maxReceiveCount does not say that it outlasts" + says}
	}
	return nil
}

// seconds is the visibility timeout of a queue.
func seconds(q template.Resource) int {
	n, err := strconv.Atoi(template.Text(q.Prop("VisibilityTimeout")))
	if err != nil {
		return 30 // SQS's default
	}
	return n
}

func deadLetterAlarm(q template.Resource, all []*template.Template) []string {
	if watched(q, "ApproximateNumberOfMessagesVisible", all) {
		return nil
	}
	return []string{q.String() + ": no alarm on its dead letters"}
}

// watched reports whether an alarm watches this metric of the queue.
func watched(q template.Resource, metric string, all []*template.Template) bool {
	alarms := metricsOf(repository.Dir(q.Template), all)
	name := template.Text(q.Prop("QueueName"))
	return alarms[metric+" att:"+q.ID+".QueueName"] || name != "" && alarms[metric+" "+name]
}

func consumers(t *template.Template, all []*template.Template) []string {
	var out []string
	arns := queueARNs(t, all)
	for _, m := range t.Resources("AWS::Lambda::EventSourceMapping") {
		if !slices.Contains(template.Texts(m.Prop("FunctionResponseTypes")), "ReportBatchItemFailures") {
			out = append(out, m.String()+": no ReportBatchItemFailures, so one bad message causes a retry of its batch")
		}
		for _, f := range t.Resources(repository.FunctionType) {
			if template.Text(m.Prop("FunctionName")) != "ref:"+f.ID+".Alias" {
				continue
			}
			if q, ok := arns[template.Text(m.Prop("EventSourceArn"))]; ok {
				out = append(out, visibility(q, timeout(f))...)
				out = append(out, failing(q, f, all)...)
			} else if strings.Contains(template.Text(m.Prop("EventSourceArn")), ".Outputs.") {
				out = append(out, m.String()+": EventSourceArn is not a nested template's output with a queue's ARN")
			}
		}
	}
	for _, f := range t.Resources(repository.FunctionType) {
		for key, e := range template.Pairs(f.Prop("Events")) {
			if template.Text(template.Get(e, "Type")) == "SQS" {
				out = append(out, fmt.Sprintf("%s: write event %s as an EventSourceMapping; SAM's event allows receiving from every queue", f, key.Value))
			}
		}
	}
	return out
}

// failing: an outage of what a consumer writes to is noticed. Partial failures are not
// errors of the function, and the age of the oldest message leaves out messages that were
// received more than three times
// (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html).
// A queue that is empty while all is well may have an alarm on its depth instead. The
// examples of other teams count in a metric of their own.
func failing(q, f template.Resource, all []*template.Template) []string {
	if repository.OfAnotherTeam(f.Template) {
		if metricsOf(repository.Dir(f.Template), all)["EventsFailed ref:"+f.ID] {
			return nil
		}
		return []string{f.String() + ": no alarm on EventsFailed of the function"}
	}
	consumer := strings.TrimPrefix(template.Text(f.Prop("FunctionName")), "gatehouse-${Environment}-")
	if watched(q, "ApproximateNumberOfMessagesNotVisible", all) ||
		metricsOf(repository.Dir(f.Template), all)["EventsRetried "+consumer] {
		return nil
	}
	return []string{f.String() + ": no alarm on EventsRetried with the Consumer " + consumer}
}

// consumerNames: the code of each function that reads a queue reports under the name that
// its alarm has.
func consumerNames(all []*template.Template, code func(dir string) string) []string {
	var out []string
	for _, t := range all {
		for _, m := range t.Resources("AWS::Lambda::EventSourceMapping") {
			for _, f := range t.Resources(repository.FunctionType) {
				name := strings.TrimPrefix(template.Text(f.Prop("FunctionName")), "gatehouse-${Environment}-")
				if template.Text(m.Prop("FunctionName")) == "ref:"+f.ID+".Alias" && strings.HasPrefix(t.Path, "services/") &&
					!strings.Contains(code(repository.Dir(t)), `consume.Consumer{Name: "`+name+`"`) {
					out = append(out, f.String()+": no consume.Consumer in its code has the Name "+name)
				}
			}
		}
	}
	return out
}

// queueARNs returns the queues of a template and those in the outputs of its nested
// templates, by the text with which the template names their ARNs.
func queueARNs(t *template.Template, all []*template.Template) map[string]template.Resource {
	out := map[string]template.Resource{}
	for _, q := range t.Resources("AWS::SQS::Queue") {
		out["att:"+q.ID+".Arn"] = q
	}
	for _, stack := range t.Resources("AWS::CloudFormation::Stack") {
		for _, nested := range all {
			if nested.Path != repository.Dir(t)+"/"+template.Text(stack.Prop("TemplateURL")) {
				continue
			}
			arns := queueARNs(nested, nil)
			for name, o := range template.Pairs(template.Get(nested.Root, "Outputs")) {
				if q, ok := arns[template.Text(template.Get(o, "Value"))]; ok {
					out["att:"+stack.ID+".Outputs."+name.Value] = q
				}
			}
		}
	}
	return out
}

// visibility: at least six times the function's timeout, as Lambda's documentation says.
func visibility(q template.Resource, timeout int) []string {
	if s := seconds(q); s < 6*timeout {
		return []string{fmt.Sprintf("%s: VisibilityTimeout %d is below six times the function's %d", q, s, timeout)}
	}
	return nil
}

func subscriptions(t *template.Template) []string {
	var out []string
	for _, s := range t.Resources("AWS::SNS::Subscription") {
		if template.Text(s.Prop("Protocol")) != "sqs" {
			continue
		}
		if template.Text(s.Prop("RawMessageDelivery")) != "true" {
			out = append(out, s.String()+": RawMessageDelivery is not true")
		}
		if s.Prop("RedrivePolicy", "deadLetterTargetArn") == nil {
			out = append(out, s.String()+": no RedrivePolicy for what SNS cannot deliver")
		}
	}
	return out
}

func TestQueues(t *testing.T) {
	t.Parallel()
	repository.Report(t, queues(repository.Templates(t)))
}

func TestConsumerNames(t *testing.T) {
	t.Parallel()
	code := func(dir string) string {
		var text strings.Builder
		for _, file := range repository.Files(t, ".go") {
			if strings.HasPrefix(filepath.ToSlash(repository.Short(file)), dir+"/") {
				text.WriteString(repository.Read(t, file))
			}
		}
		return text.String()
	}
	all := repository.Templates(t)
	repository.Report(t, consumerNames(all, code))
	if got := consumerNames(all, func(dir string) string {
		return strings.ReplaceAll(code(dir), "user-events-metrics", "user-events-counter")
	}); len(got) != 1 {
		t.Errorf("another name: findings %q, want one", got)
	}
}

func TestQueuesPlanted(t *testing.T) {
	t.Parallel()
	repository.Plant(t, queues, map[string]repository.Planted{
		"not_encrypted":       {"      SqsManagedSseEnabled: true\n", "", "SqsManagedSseEnabled"},
		"no_redrive":          {"      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 1000} # 16 hours\n", "", "no RedrivePolicy"},
		"too_few_tries":       {"  Outbox:\n", "  Other: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {maxReceiveCount: 5}}}\n  Outbox:\n", "VisibilityTimeout is 2m30s, want 16h0m0s or more"},
		"short_outage":        {"maxReceiveCount: 1000", "maxReceiveCount: 900", "VisibilityTimeout is 15h0m0s"},
		"quick_attempts":      {"VisibilityTimeout: 60", "VisibilityTimeout: 50", "VisibilityTimeout is 13h53m20s"},
		"number_missing":      {" # 16 hours", "", "does not say that it outlasts 16 hours"},
		"number_outdated":     {"VisibilityTimeout: 60", "VisibilityTimeout: 120", "does not say that it outlasts 33 hours"},
		"outage_unnoticed":    {"MetricName: EventsRetried", "MetricName: EventsDrained", "no alarm on EventsRetried with the Consumer good-presignup"},
		"outage_of_another":   {"{Name: Consumer, Value: good-presignup}", "{Name: Consumer, Value: good-other}", "no alarm on EventsRetried"},
		"short_retention":     {"      MessageRetentionPeriod: 1209600\n", "", "MessageRetentionPeriod"},
		"short_dead_letters":  {"{MessageRetentionPeriod: 1209600, ", "{", "MessageRetentionPeriod"},
		"short_visibility":    {"VisibilityTimeout: 60", "VisibilityTimeout: 23", "below six times"},
		"no_partial_failures": {"      FunctionResponseTypes: [ReportBatchItemFailures]\n", "", "ReportBatchItemFailures"},
		"no_alarm_on_failure": {
			"      Timeout: 4\n", "      Timeout: 4\n      EventInvokeConfig: {DestinationConfig: {OnFailure: {Type: SQS, Destination: !GetAtt Outbox.Arn}}}\n", "Outbox: no alarm on its dead letters",
		},
		"no_alarm":     {"!GetAtt Dead.QueueName", "!GetAtt Outbox.QueueName", "no alarm on its dead letters"},
		"no_age_alarm": {"MetricName: ApproximateAgeOfOldestMessage", "MetricName: NumberOfMessagesSent", "age of its messages"},
		"sam_event":    {"      Timeout: 4\n", "      Timeout: 4\n      Events: {Q: {Type: SQS}}\n", "as an EventSourceMapping"},
		"enveloped":    {"  Source:\n", "  Sub: {Type: AWS::SNS::Subscription, Properties: {Protocol: sqs}}\n  Source:\n", "RawMessageDelivery"},
	})
}
