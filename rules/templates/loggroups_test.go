package templates

import (
	"fmt"
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
			if repository.OfAnotherTeam(t) {
				continue // it has no access to the key of our log groups
			}
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

// ownLog: a function writes to its own log group and creates none. The role that SAM makes
// has AWSLambdaBasicExecutionRole, which creates groups of every name: _construct_role in
// samtranslator/model/sam_resources.py attaches it to every role, and a function that names
// its Role gets none. What is logged after a group was deleted would create it again,
// without its key and retention. Only log-encryptor creates groups, with its prefixes.
func ownLog(all []*template.Template) []string {
	var out []string
	for _, t := range all {
		for _, f := range t.Resources(repository.FunctionType) {
			role, own := repository.OwnRole(f)
			if !own {
				out = append(out, f.String()+": Role is not a role of this template; SAM's has AWSLambdaBasicExecutionRole")
				continue
			}
			if role.Prop("ManagedPolicyArns") != nil {
				out = append(out, role.String()+": a function's role has no managed policy")
			}
			want := "att:" + strings.TrimPrefix(template.Text(setting(f, "LoggingConfig", "LogGroup")), "ref:") + ".Arn"
			for _, action := range []string{"logs:CreateLogStream", "logs:PutLogEvents"} {
				if got := repository.Grants(f, action); !slices.Equal(got, []string{want}) {
					out = append(out, fmt.Sprintf("%s: %s is allowed on %q, want %q", role, action, got, want))
				}
			}
			if len(repository.Grants(f, "logs:CreateLogGroup")) > 0 && repository.Dir(t) != repository.Folder("log-encryptor") {
				out = append(out, role.String()+": may create log groups")
			}
		}
	}
	return out
}

func TestOwnLog(t *testing.T) {
	t.Parallel()
	repository.Report(t, ownLog(repository.Templates(t)))
	const good = `Resources:
  F: {Type: AWS::Serverless::Function, Properties: {LoggingConfig: {LogGroup: !Ref L}, Role: !GetAtt R.Arn}}
  L: {Type: AWS::Logs::LogGroup}
  R:
    Type: AWS::IAM::Role
    Properties:
      Policies: [{PolicyDocument: {Statement: [{Effect: Allow, Action: [logs:CreateLogStream, logs:PutLogEvents], Resource: !GetAtt L.Arn}]}}]
`
	for name, p := range map[string]repository.Planted{
		"good":          {"", "", ""},
		"sams_role":     {", Role: !GetAtt R.Arn", "", "SAM's has AWSLambdaBasicExecutionRole"},
		"others_role":   {"!GetAtt R.Arn", "!Ref RoleArn", "not a role of this template"},
		"managed":       {"      Policies:", "      ManagedPolicyArns: [x]\n      Policies:", "no managed policy"},
		"every_group":   {"Resource: !GetAtt L.Arn", `Resource: "*"`, `logs:PutLogEvents is allowed on ["*"]`},
		"no_log":        {"logs:PutLogEvents", "logs:GetLogEvents", "logs:PutLogEvents is allowed on []"},
		"creates":       {"logs:CreateLogStream, ", "logs:CreateLogStream, logs:CreateLogGroup, ", "may create log groups"},
		"another_group": {"LogGroup: !Ref L", "LogGroup: !Ref Other", "want \"att:Other.Arn\""},
	} {
		got := strings.Join(ownLog([]*template.Template{repository.MustParse(t, "services/x/template.yaml", strings.Replace(good, p[0], p[1], 1))}), "\n")
		if (p[2] == "") != (got == "") || !strings.Contains(got, p[2]) {
			t.Errorf("%s: findings %q, want one with %q", name, got, p[2])
		}
	}
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
