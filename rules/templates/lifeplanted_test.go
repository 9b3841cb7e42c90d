package templates

import (
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// Resources that end well; each planted error changes one of them.
const (
	goodPool = `
  Pool:
    Type: AWS::Cognito::UserPool
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {UserPoolName: !Sub "x-${Environment}", DeletionProtection: !If [IsLocal, INACTIVE, ACTIVE]}
`
	goodTable = `
  Key:
    Type: AWS::KMS::Key
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
  Table:
    Type: AWS::DynamoDB::Table
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {DeletionProtectionEnabled: true, SSESpecification: {KMSMasterKeyId: !GetAtt Key.Arn}}
`
	goodBucket = `
  Bucket:
    Type: AWS::S3::Bucket
    DeletionPolicy: Retain
    UpdateReplacePolicy: Retain
    Properties: {VersioningConfiguration: {Status: Enabled}}
`
	goodGroup = `
  Group:
    Type: AWS::Logs::LogGroup
    Properties: {LogGroupName: !Sub "/x/${Environment}/f"}
  Role:
    Type: AWS::IAM::Role
    Properties: {ManagedPolicyArns: ["arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"]}
`
	goodDomain = `
  Pool: {Type: AWS::Cognito::UserPool}
  Domain:
    Type: AWS::Cognito::UserPoolDomain
    Properties: {UserPoolId: !Ref Pool, Domain: !Ref Name}
`
	goodConnection = `
  Connection:
    Type: AWS::CodeConnections::Connection
    Properties: {ConnectionName: !Sub "x-${Host}", ProviderType: !Ref Host}
`
	goodComposite = `
  A:
    Type: AWS::CloudWatch::Alarm
    Properties: {AlarmName: !Sub "x-${Environment}-a"}
  Both:
    Type: AWS::CloudWatch::CompositeAlarm
    Properties: {AlarmName: !Sub "x-${Environment}-both", AlarmRule: !Sub 'ALARM("${A}")'}
`
	goodTopic = `
  Topic: {Type: AWS::SNS::Topic}
  Account:
    Type: AWS::ApiGateway::Account
    DeletionPolicy: Retain
`
)

// plantedLife is one error: in which good resource it is, and how it ends.
type plantedLife struct{ good, old, new, state, fault string }

func lifeErrors() map[string]plantedLife {
	const retain = "DeletionPolicy: Retain"
	named := "UserPoolName: x"
	return map[string]plantedLife{
		"pool_deleted_by_its_failed_creation":  {goodPool, "    " + retain, "    DeletionPolicy: RetainExceptOnCreate", "ROLLBACK_FAILED", "AWS refuses: DeletionProtection"},
		"pool_deleted_by_a_failed_update":      {goodPool, "    " + retain, "    DeletionPolicy: RetainExceptOnCreate", "update fails: UPDATE_ROLLBACK_COMPLETE", "AWS refuses (DeletionProtection), so it is left"},
		"pool_deleted_with_its_stack":          {goodPool, "    " + retain + "\n", "", "DELETE_FAILED", "AWS refuses to delete it"},
		"table_deleted_by_its_failed_creation": {goodTable, "Table\n    " + retain, "Table\n    DeletionPolicy: RetainExceptOnCreate", "ROLLBACK_FAILED", "DeletionProtectionEnabled"},
		"bucket_deleted_with_objects":          {goodBucket, "    " + retain, "    DeletionPolicy: Delete", "DELETE_FAILED", "others may have written to it"},
		"bucket_deleted_by_failed_creation":    {goodBucket, "    " + retain, "    DeletionPolicy: RetainExceptOnCreate", "ROLLBACK_FAILED", "others may have written to it"},
		"retained_bucket_with_a_fixed_name":    {goodBucket, "VersioningConfiguration: {Status: Enabled}", "BucketName: x", "ROLLBACK_COMPLETE", "so the next attempt fails"},
		"retained_table_with_a_fixed_name":     {goodTable, "{DeletionProtectionEnabled", "{TableName: !Sub \"x-${Environment}\", DeletionProtectionEnabled", "created again", "the retained one has its fixed name ([TableName])"},
		"retained_table_without_its_key":       {goodTable, "Key\n    " + retain + "\n", "Key\n", "DELETE_COMPLETE", "not its key Key"},
		"retained_table_key_of_a_failed_start": {goodTable, "Key\n    " + retain, "Key\n    DeletionPolicy: RetainExceptOnCreate", "ROLLBACK_COMPLETE", "its key Key is deleted"},
		"replaced_table_not_retained":          {goodTable, "UpdateReplacePolicy: Retain\n    Properties: {DeletionProtectionEnabled: true", "Properties: {DeletionProtectionEnabled: true, ImportSourceSpecification: {S3BucketSource: {S3Bucket: !Ref Source}}", "the old one left", "AWS refuses to delete it"},
		"fixed_name_replaced_by_a_parameter":   {goodConnection, `!Sub "x-${Host}"`, "x", "replaced: UPDATE_ROLLBACK_COMPLETE", "[ProviderType] can change"},
		"fixed_name_replaced_by_another_stack": {goodConnection, `!Sub "x-${Host}", ProviderType: !Ref Host`, `x, ProviderType: "{{resolve:ssm:/host}}"`, "replaced: UPDATE_ROLLBACK_COMPLETE", "[ProviderType] can change"},
		"log_group_that_no_check_knows":        {goodGroup, "/x/${Environment}/f", "/x/${Environment}/${Service}/f", "created again: ROLLBACK_COMPLETE", "cannot compute it"},
		"log_group_protected":                  {goodGroup, "Properties: {Log", "Properties: {DeletionProtectionEnabled: true, Log", "DELETE_FAILED", "DeletionProtectionEnabled"},
		"retained_log_group":                   {goodGroup, "LogGroup\n", "LogGroup\n    " + retain + "\n", "created again: ROLLBACK_COMPLETE", "the retained one has its fixed name"},
		"custom_resource_that_may_fail":        {goodGroup, "AWS::Logs::LogGroup\n", "Custom::Encryption\n", "DELETE_FAILED", "its function may answer FAILED"},
		"retained_domain":                      {goodDomain, "UserPoolDomain\n", "UserPoolDomain\n    " + retain + "\n", "created again: ROLLBACK_COMPLETE", "[UserPoolId Domain]"},
		"composite_alarm_without_references":   {goodComposite, "ALARM(\"${A}\")", "ALARM(\"x-dev-a\")", "DELETE_FAILED", "use !Ref"},
		"retained_topic_with_a_fixed_name":     {goodTopic, "Topic: {Type: AWS::SNS::Topic}", "Topic: {Type: AWS::SNS::Topic, " + retain + ", Properties: {TopicName: x}}", "ROLLBACK_COMPLETE", "so the next attempt fails"},
		"user_pool_names_may_repeat":           {goodPool, "UserPoolName: !Sub \"x-${Environment}\"", named, "", ""},
		"unretained_pool_without_protection":   {goodPool, "    " + retain + "\n    UpdateReplacePolicy: Retain\n    Properties: {UserPoolName: !Sub \"x-${Environment}\", DeletionProtection: !If [IsLocal, INACTIVE, ACTIVE]}", "    Properties: {}", "", ""},
	}
}

func lifeFindings(t *testing.T, resources string) []string {
	t.Helper()
	const parameters = "Parameters: {Environment: {Type: String}, Host: {Type: String}, Name: {Type: String}, Service: {Type: String}, Source: {Type: String}}\nResources:\n"
	one := []*template.Template{repository.MustParse(t, "services/x/template.yaml", parameters+resources)}
	findings, _ := stuck(one, readSchemas(t, one))
	return findings
}

// Each kind of error is found when it is planted; the good resources have none.
func TestLifeOfStacksPlanted(t *testing.T) {
	t.Parallel()
	for name, p := range lifeErrors() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := lifeFindings(t, p.good); len(got) > 0 {
				t.Errorf("findings in the good resources: %q", got)
			}
			if !strings.Contains(p.good, p.old) {
				t.Fatalf("the text to replace is missing: %s", p.old)
			}
			got := strings.Join(lifeFindings(t, strings.Replace(p.good, p.old, p.new, 1)), "\n")
			if p.fault == "" && got != "" || !strings.Contains(got, p.state) || !strings.Contains(got, p.fault) {
				t.Errorf("findings %q, want one with %q and %q", got, p.state, p.fault)
			}
		})
	}
}
