package access

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// edited returns the estate with the resources of one type of a service changed.
func (e estate) edited(service, typ string, change func(d *deployed)) estate {
	out := estate{}
	for environment, services := range e {
		out[environment] = maps.Clone(services)
		own := slices.Clone(services[service])
		for i := range own {
			if own[i].Type == typ {
				change(&own[i])
			}
		}
		out[environment][service] = own
	}
	return out
}

// unnamed gives a resource the name that CloudFormation would generate.
func unnamed(d *deployed) {
	n := namings()[d.Type]
	d.name = generated(d.stack, d.ID, n.longest)
	d.arn = arn(fmt.Sprintf(n.arn, d.name))
}

// TestEveryPermissionPlanted plants the errors that the oracle is for: what AWS would
// refuse, and what would reach the resources of others.
func TestEveryPermissionPlanted(t *testing.T) {
	t.Parallel()
	read := newOracle(t, repository.Templates(t))
	in := func(service string, change func(estate) estate) repository.Rule {
		return func(all []*template.Template) []string {
			o := oracle{estate: read.estate, registry: read.registry, exceptions: read.exceptions, services: []string{service}}
			if change != nil {
				o.estate = change(o.estate)
			}
			o.everyPermission(all)
			return o.findings
		}
	}
	const audit, encryptor, events = "roles/signin-audit.yaml", "roles/log-encryptor.yaml", "roles/user-events.yaml"
	mutate(t, in("api", nil), map[string]mutation{
		"not_itself":       {"roles/api.yaml", "pipeline/gatehouse-${Environment}-api-cloudformation\n", "api/gatehouse-${Environment}-api-cloudformation\n", "of Monitoring in dev needs iam:passrole on"},
		"untagged_apis":    {"roles/api.yaml", "Condition: {StringEquals: {aws:ResourceTag/gatehouse:stack:", "Condition: {StringEqualsIfExists: {aws:ResourceTag/gatehouse:stack:", "apigateway:patch is allowed on"},
		"apis_of_all":      {"roles/api.yaml", "                Condition: {StringEquals: {aws:ResourceTag/gatehouse:stack: !Sub \"gatehouse-${Environment}-api\"}}\n", "", "apigateway:post is allowed on"},
		"former_api":       {"roles/api.yaml", "aws:ResourceTag/aws:cloudformation:stack-name", "aws:ResourceTag/aws:cloudformation:stack-id", "needs apigateway:patch on"},
		"stacks_like_it":   {"roles/api.yaml", "!Sub \"gatehouse-${Environment}-api-*\"", "!Sub \"*-api*\"", "apigateway:patch is allowed on"},
		"new_without_tag":  {"roles/api.yaml", "Condition: {StringEquals: {aws:RequestTag/gatehouse:stack: !Sub \"gatehouse-${Environment}-api\"}}", "Condition: {StringEquals: {aws:RequestTag/gatehouse:stack: other}}", "create of Api in dev needs apigateway:post"},
		"any_zone":         {"roles/api.yaml", "hostedzone/${HostedZoneId}", "hostedzone/*", "route53:changeresourcerecordsets is allowed on"},
		"no_zone":          {"roles/api.yaml", "hostedzone/${HostedZoneId}", "hostedzone/Z0", "of Record in production needs route53:changeresourcerecordsets"},
		"no_code_of_sam":   {"roles/api.yaml", "                  - !Sub arn:${AWS::Partition}:s3:::aws-sam-cli-managed-default-samclisourcebucket-*/*\n", "", "of HandlerFunction in dev needs s3:getobject on arn:aws:s3:::aws-sam-cli"},
		"another_boundary": {"roles/api.yaml", "iam:PermissionsBoundary: !Ref BoundaryArn", "iam:PermissionsBoundary: !Sub \"${BoundaryArn}-2\"", "needs iam:createrole"},
	})
	mutate(t, in("log-encryptor", func(e estate) estate { return e.edited("log-encryptor", "AWS::Events::Rule", unnamed) }), map[string]mutation{
		"cut_name": {encryptor, "rule/gatehouse-${Environment}-log-*", "rule/gatehouse-${Environment}-log-encryptor-*", "in production needs events:putrule on arn:aws:events:eu-central-1:111122223333:rule/gatehouse-production-log--EncryptorFunction"},
	})
	mutate(t, in("log-encryptor", nil), map[string]mutation{
		"all_rules":          {encryptor, "rule/gatehouse-${Environment}-log-*", "rule/*", "events:deleterule is allowed on"},
		"tags_of_others":     {encryptor, ", \"ForAllValues:StringEquals\": {aws:TagKeys: gatehouse:stack}}", "}", "kms:untagresource is allowed on"},
		"another_region":     {encryptor, "arn:${AWS::Partition}:sqs:${AWS::Region}", "arn:${AWS::Partition}:sqs:us-east-1", "needs sqs:createqueue"},
		"tag_counts_at_once": {encryptor, "StringEqualsIfExists: {aws:ResourceTag/gatehouse:stack: !Sub \"gatehouse-${Environment}-log-encryptor\"}, \"ForAll", "StringEquals: {aws:ResourceTag/gatehouse:stack: !Sub \"gatehouse-${Environment}-log-encryptor\"}, \"ForAll", "create of LogKey in dev needs kms:enablekeyrotation"},
	})
	mutate(t, in("signin-audit", nil), map[string]mutation{
		"tags_of_cloudformation": {audit, "                  StringEquals: {aws:ResourceTag/gatehouse:stack:", "                  StringEquals: {aws:ResourceTag/aws:cloudformation:stack-name:", "update of AuditKey in dev needs kms:putkeypolicy"},
		"denied_if_tagged":       {audit, "                  StringEquals: {aws:ResourceTag/gatehouse:stack:", "                  StringLikeIfExists: {aws:ResourceTag/aws:cloudformation:stack-name:", "kms:putkeypolicy is allowed on"},
		"any_environment":        {audit, "gatehouse-${Environment}-signin-audit\"}\n                  StringEqualsIfExists: {aws:RequestTag", "gatehouse-dev-signin-audit\"}\n                  StringEqualsIfExists: {aws:RequestTag", "kms:putkeypolicy is allowed on"},
		"no_data_key":            {audit, "\"kms:GenerateDataKey*\", ", "", "needs kms:generatedatakey"},
		"tables_by_name":         {audit, "table/gatehouse-${Environment}-signin-audit-*", "table/gatehouse-${Environment}-signin-audit", "of AuditTable in dev needs dynamodb:createtable"},
		"functions_of_all":       {audit, "function:gatehouse-${Environment}-signin-audit-*", "function:*", "lambda:deletefunction is allowed on"},
		"unknown_condition":      {audit, "StringEqualsIfExists: {aws:RequestTag", "StringEqualsIfPresent: {aws:RequestTag", "does not implement the conditions [StringEqualsIfPresent]"},
	})
	mutate(t, in("signin-audit", func(e estate) estate {
		return e.edited("signin-audit", "AWS::KMS::Key", func(d *deployed) { d.tags = nil })
	}), map[string]mutation{"template_without_tag": {audit, "2012-10-17", "2012-10-17", "create of AuditKey in dev needs kms:createkey on *"}})
	mutate(t, in("user-events", nil), map[string]mutation{
		"cut_archive":  {events, "archive/gatehouse-${Environment}-use*", "archive/gatehouse-${Environment}-user-events-*", "of BusArchive in production needs events:createarchive"},
		"all_archives": {events, "archive/gatehouse-${Environment}-use*", "archive/*", "events:deletearchive is allowed on"},
	})
	mutate(t, in("platform", nil), map[string]mutation{
		"untagged_pools":     {"roles/platform.yaml", "                  StringEquals: {aws:ResourceTag/gatehouse:stack: !Sub \"gatehouse-${Environment}-platform\"}\n                  StringEqualsIfExists: {aws:RequestTag", "                  StringEqualsIfExists: {aws:ResourceTag/gatehouse:stack: !Sub \"gatehouse-${Environment}-platform\", aws:RequestTag", "cognito-idp:createuserpoolclient is allowed on"},
		"any_identity_pool":  {"roles/platform.yaml", "                Condition: {StringEquals: {aws:ResourceTag/gatehouse:stack: !Sub \"gatehouse-${Environment}-platform\"}}\n", "", "cognito-identity:deleteidentitypool is allowed on"},
		"former_pool_locked": {"roles/platform.yaml", "Condition: {StringEquals: {aws:ResourceTag/aws:cloudformation:stack-name: ", "Condition: {StringEquals: {aws:ResourceTag/aws:cloudformation:stack-id: ", "update of UserPool in dev needs cognito-idp:updateuserpool"},
	})
}
