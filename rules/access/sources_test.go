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

// sets are the condition keys that a service is documented to send when it uses a kind
// of resource. A condition on any other key never holds, and the service's messages are
// dropped without an error.
type sets struct {
	service, typ string
	keys         []string
	// source is the document of AWS, or the public report, that says so.
	source string
}

func sent() []sets {
	const key, topic = "AWS::KMS::Key", "AWS::SNS::TopicPolicy"
	return []sets{
		{"cloudwatch.amazonaws.com", topic, []string{"aws:SourceAccount", "aws:SourceArn"}, "CloudWatch User Guide, US_SetupSNS"},
		{"cloudwatch.amazonaws.com", key, []string{"aws:SourceAccount", "aws:SourceArn"}, "SNS Developer Guide, sns-key-management; aws/modern-data-architecture-accelerator, grantCloudWatchAlarmsTopicAccess"},
		{"events.amazonaws.com", key, nil, "SNS Developer Guide, sns-key-management: aws:SourceAccount, aws:SourceArn and aws:SourceOrgID are not supported for EventBridge"},
		{"events.amazonaws.com", "AWS::IAM::Role", []string{"aws:SourceAccount", "aws:SourceArn"}, "EventBridge User Guide, cross-service-confused-deputy-prevention: for a rule's target it is the rule's ARN"},
		{"events.amazonaws.com", "AWS::SQS::QueuePolicy", []string{"aws:SourceAccount", "aws:SourceArn"}, "EventBridge User Guide, eb-use-resource-based; aws/aws-cdk, aws-events-targets/lib/sqs.ts, which writes either for a queue"},
		{"codestar-notifications.amazonaws.com", key, []string{"kms:ViaService"}, "Developer Tools console User Guide, set-up-sns, step 6, as quoted in aws-samples/aws-blog-codepipeline-third-party-git-build-status#2"},
		{"codestar-notifications.amazonaws.com", topic, nil, "the same page, whose example has no condition; one public construct uses aws:SourceAccount, no document of AWS does"},
		{"sns.amazonaws.com", "AWS::SQS::QueuePolicy", []string{"aws:SourceAccount", "aws:SourceArn"}, "SNS Developer Guide, subscribe-sqs-queue-to-sns-topic; SQS Developer Guide, cross-service confused deputy"},
		{"logs.${AWS::Region}.amazonaws.com", key, []string{"kms:EncryptionContext:aws:logs:arn"}, "CloudWatch Logs User Guide, encrypt-log-data-kms"},
		{"cloudtrail.amazonaws.com", "AWS::S3::BucketPolicy", []string{"aws:SourceArn"}, "CloudTrail User Guide, create-s3-bucket-policy-for-cloudtrail"},
		{"codebuild.amazonaws.com", "AWS::IAM::Role", []string{"aws:SourceAccount", "aws:SourceArn"}, "CodeBuild User Guide, cross-service-confused-deputy-prevention"},
		{"codepipeline.amazonaws.com", "AWS::IAM::Role", []string{"aws:SourceAccount"}, "CodePipeline User Guide, how-to-custom-role, which does not mention aws:SourceArn"},
		{"codedeploy.amazonaws.com", "AWS::IAM::Role", []string{"aws:SourceAccount", "aws:SourceArn"}, "CodeDeploy User Guide, security_confused_deputy_prevention"},
	}
}

// sources: what a policy requires of a service's request, the service is documented to
// send.
func sources(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, r := range t.Resources("") {
			for _, s := range repository.Statements(r.Node) {
				if template.Text(template.Get(s, "Effect")) != "Allow" {
					continue
				}
				for _, service := range template.Texts(template.Get(s, "Principal", "Service")) {
					out = append(out, neverSent(r, service, conditionKeys(s))...)
				}
			}
		}
	}
	return out
}

func neverSent(r template.Resource, service string, keys []string) []string {
	i := slices.IndexFunc(sent(), func(s sets) bool { return s.service == service && s.typ == r.Type })
	var out []string
	for _, key := range keys {
		switch {
		case i < 0:
			out = append(out, fmt.Sprintf("%s: whether %s sends %s is not in the table; look it up, and add it with its source", r, service, key))
		case !slices.ContainsFunc(sent()[i].keys, func(k string) bool { return strings.EqualFold(k, key) }):
			out = append(out, fmt.Sprintf("%s: %s does not send %s, so what it sends would be lost (%s)", r, service, key, sent()[i].source))
		}
	}
	return out
}

func conditionKeys(s *yaml.Node) []string {
	var out []string
	for _, operator := range template.Pairs(template.Get(s, "Condition")) {
		for key := range template.Pairs(operator) {
			out = append(out, key.Value)
		}
	}
	return out
}

func TestSources(t *testing.T) {
	t.Parallel()
	repository.Report(t, sources(repository.Templates(t)))
}

func TestSourcesPlanted(t *testing.T) {
	t.Parallel()
	const events = "Principal: {Service: events.amazonaws.com}\n"
	condition := func(key string) string { return "            Condition: {StringEquals: {" + key + ": x}}\n" }
	repository.Plant(t, sources, map[string]repository.Planted{
		"eventbridge_on_a_key":   {events, events + condition("aws:SourceAccount"), "events.amazonaws.com does not send aws:SourceAccount, so what it sends would be lost"},
		"notifications_on_a_key": {events, "Principal: {Service: codestar-notifications.amazonaws.com}\n" + condition("aws:SourceAccount"), "does not send aws:SourceAccount"},
		"notifications_on_a_topic": {
			"{Effect: Allow, Principal: {AWS: !Ref AWS::AccountId}, Action: sns:Subscribe, Resource: !Ref Topic}",
			"{Effect: Allow, Principal: {Service: codestar-notifications.amazonaws.com}, Action: sns:Publish, Resource: !Ref Topic, Condition: {ArnLike: {aws:SourceArn: x}}}", "does not send aws:SourceArn",
		},
		"alarms_by_organisation": {events, "Principal: {Service: cloudwatch.amazonaws.com}\n" + condition("aws:SourceOrgID"), "cloudwatch.amazonaws.com does not send aws:SourceOrgID"},
		"one_of_two_services":    {events, "Principal: {Service: [cloudwatch.amazonaws.com, events.amazonaws.com]}\n" + condition("aws:SourceArn"), "events.amazonaws.com does not send aws:SourceArn"},
		"unknown_service":        {events, "Principal: {Service: s3.amazonaws.com}\n" + condition("aws:SourceArn"), "s3.amazonaws.com sends aws:SourceArn is not in the table"},
	})
}
