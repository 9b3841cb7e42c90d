package templates

import (
	"slices"
	"strings"
	"testing"

	"gatehouse.example/rules/repository"
)

// logKey is where every stack finds the key of its log groups.
const logKey = "{{resolve:ssm:/gatehouse/${Environment}/log-encryptor/key-arn}}"

// logGroups: what is logged can only be read with a key of the account, and goes at
// some time. A key of the stack's own has to let CloudWatch Logs in, but only for
// groups: without the encryption context it would encrypt for anybody's.
func logGroups(all []*repository.Template) []string {
	var out []string
	for _, t := range all {
		for _, g := range t.Resources("AWS::Logs::LogGroup") {
			if g.Prop("RetentionInDays") == nil {
				out = append(out, g.String()+": no RetentionInDays")
			}
			key := repository.Text(g.Prop("KmsKeyId"))
			if t.Dir() == "pipeline" { // the account that builds may have no environment whose key it could borrow
				key = strings.Replace(repository.Texts(g.Prop("KmsKeyId"))[0], "${LogKeyEnvironment}", "${Environment}", 1)
			}
			switch id, own := strings.CutPrefix(key, "att:"); {
			case key == logKey:
			case own && slices.ContainsFunc(t.Resources("AWS::KMS::Key"), func(k repository.Resource) bool { return k.ID+".Arn" == id && encryptsLogs(k) }):
			case own:
				out = append(out, g.String()+": its key does not let CloudWatch Logs in, for groups of this account and region only")
			default:
				out = append(out, g.String()+": KmsKeyId is not "+logKey)
			}
		}
	}
	return out
}

func encryptsLogs(key repository.Resource) bool {
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
		"no_key_at_all":  {group, "KmsKeyId: !GetAtt Topic.Arn, RetentionInDays", "does not let CloudWatch Logs in"},
		"closed_key":     {"logs.${AWS::Region}.amazonaws.com", "sqs.amazonaws.com", "does not let CloudWatch Logs in"},
		"for_all_groups": {"kms:EncryptionContext:aws:logs:arn", "aws:SourceArn", "does not let CloudWatch Logs in"},
		"any_account":    {"${AWS::AccountId}:log-group:*", "*:log-group:*", "does not let CloudWatch Logs in"},
	})
	shared := strings.Replace(repository.Good(t), group, `KmsKeyId: !Sub "`+logKey+`", RetentionInDays`, 1)
	if got := logGroups([]*repository.Template{repository.MustParse(t, "services/good/template.yaml", shared)}); len(got) > 0 {
		t.Errorf("the shared key is found guilty: %v", got)
	}
}
