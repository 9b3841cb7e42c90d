package templates

import (
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
	"gatehouse.example/tools/template"
)

// logKey is the reference to the key of all log groups.
const logKey = "{{resolve:ssm:/gatehouse/${Environment}/log-encryptor/key-arn}}"

// logGroups: every log group has a retention and is encrypted with a key of the
// account. The policy of a stack's own key must allow CloudWatch Logs, but only for
// log groups of this account: the encryption context restricts it.
func logGroups(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, g := range t.Resources("AWS::Logs::LogGroup") {
			if g.Prop("RetentionInDays") == nil {
				out = append(out, g.String()+": no RetentionInDays")
			}
			key := template.Text(g.Prop("KmsKeyId"))
			if repository.Dir(t) == "pipeline" { // the tools account uses the key of an environment, if it has one
				key = strings.Replace(template.Texts(g.Prop("KmsKeyId"))[0], "${LogKeyEnvironment}", "${Environment}", 1)
			}
			switch id, own := strings.CutPrefix(key, "att:"); {
			case key == logKey:
			case own && slices.ContainsFunc(t.Resources("AWS::KMS::Key"), func(k template.Resource) bool { return k.ID+".Arn" == id && encryptsLogs(k) }):
			case own:
				out = append(out, g.String()+": its key must allow CloudWatch Logs only for log groups of this account and region")
			default:
				out = append(out, g.String()+": KmsKeyId is not "+logKey)
			}
		}
	}
	return out
}

func encryptsLogs(key template.Resource) bool {
	for _, s := range repository.Statements(key.Node) {
		context, _ := repository.Condition(s, "kms:EncryptionContext:aws:logs:arn")
		if slices.Contains(repository.Principals(s), "logs.${AWS::Region}.amazonaws.com") && strings.HasSuffix(context, ":logs:${AWS::Region}:${AWS::AccountId}:log-group:*") {
			return true
		}
	}
	return false
}

func TestLogGroups(t *testing.T) {
	t.Parallel()
	repository.Report(t, logGroups(repository.Templates(t)))
}

func TestLogGroupsPlanted(t *testing.T) {
	t.Parallel()
	const group = "KmsKeyId: !GetAtt Key.Arn, RetentionInDays"
	repository.Plant(t, logGroups, map[string]repository.Planted{
		"no_retention":   {", RetentionInDays: !Ref LogRetentionDays", "", "no RetentionInDays"},
		"not_encrypted":  {"KmsKeyId: !GetAtt Key.Arn, ", "", "KmsKeyId is not {{resolve"},
		"another_name":   {group, `KmsKeyId: !Sub "{{resolve:ssm:/gatehouse/${Environment}/other/some-arn}}", RetentionInDays`, "KmsKeyId is not {{resolve"},
		"no_arn":         {group, "KmsKeyId: !Ref Key, RetentionInDays", "KmsKeyId is not {{resolve"},
		"no_key_at_all":  {group, "KmsKeyId: !GetAtt Topic.Arn, RetentionInDays", "must allow CloudWatch Logs only"},
		"closed_key":     {"logs.${AWS::Region}.amazonaws.com", "sqs.amazonaws.com", "must allow CloudWatch Logs only"},
		"for_all_groups": {"kms:EncryptionContext:aws:logs:arn", "aws:SourceArn", "must allow CloudWatch Logs only"},
		"any_account":    {"${AWS::AccountId}:log-group:*", "*:log-group:*", "must allow CloudWatch Logs only"},
	})
	shared := strings.Replace(repository.Good(t), group, `KmsKeyId: !Sub "`+logKey+`", RetentionInDays`, 1)
	if got := logGroups([]*template.Template{repository.MustParse(t, "services/good/template.yaml", shared)}); len(got) > 0 {
		t.Errorf("findings for the shared key: %v", got)
	}
}
