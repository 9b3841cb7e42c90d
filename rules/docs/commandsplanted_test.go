package docs

import (
	"strings"
	"testing"
)

// Commands are found wherever they are written, and nothing else is.
func TestShownCommandsAreFound(t *testing.T) {
	t.Parallel()
	page := strings.ReplaceAll(`
Call 'aws kms enable-key', or 'aws kms enable-key --key-id <its id>'.
'''sh
KEY=$(aws ssm get-parameter --name /x/$ENVIRONMENT/key --query Parameter.Value --output text)
for key in a b; do
  aws kms describe-key ${AWS_ENDPOINT_URL:+--endpoint-url=$AWS_ENDPOINT_URL} --key-id "$KEY" | jq .
done
rm -rf / --no-preserve-root
'''
  '''sh
  gatehouse events dead list --environment dev && aws sqs list-queues >/dev/null
  '''
'''text
aws not shown --as-shell
'''
`, "'", "`")
	code := `package x
const aws = "aws cloudformation "
func f(name string) string {
	_ = "the reason: " + aws + "describe-stacks --stack-name " + name + "; then wait"
	_ = fmt.Sprintf("  delete  aws logs delete-log-group --log-group-name %[1]s   (with its lines)\n", name)
	_ = "'gatehouse aws check' says more" + name
	return aws + other()
}`
	for name, tc := range map[string]struct{ got, want []string }{
		"page": {argsOf(onPage(t, "x.md", page)), []string{
			"aws ssm get-parameter --name /x/" + unknown + "/key --query Parameter.Value --output text",
			"aws kms describe-key --endpoint-url=http://127.0.0.1 --key-id " + unknown,
			"aws kms describe-key --endpoint-url=http://127.0.0.1 --key-id " + unknown,
			"gatehouse events dead list --environment dev",
			"aws sqs list-queues",
			"aws kms enable-key --key-id " + unknown,
		}},
		"code": {argsOf(inCode(t, "x.go", code)), []string{
			"aws cloudformation describe-stacks --stack-name " + unknown,
			"aws logs delete-log-group --log-group-name " + unknown,
			"gatehouse aws check",
		}},
	} {
		if strings.Join(tc.got, "\n") != strings.Join(tc.want, "\n") {
			t.Errorf("%s: got\n%s\nwant\n%s", name, strings.Join(tc.got, "\n"), strings.Join(tc.want, "\n"))
		}
	}
}

func argsOf(all []command) []string {
	var out []string
	for _, c := range all {
		out = append(out, strings.Join(c.args, " "))
	}
	return out
}

// Commands that the programs refuse are found.
func TestShownCommandsPlanted(t *testing.T) {
	t.Parallel()
	var aws, own []command
	for _, text := range []string{
		"aws kms enable-key",                                // a required parameter is missing
		"aws kms enable-keys --key-id x",                    // no such operation
		"aws kmss enable-key --key-id x",                    // no such service
		"aws kms enable-key --key x y",                      // more than the command
		"aws kms enable-key --key-id",                       // no value
		"aws cloudformation wait stack-gone --stack-name x", // no such waiter
		"aws cloudformation deploy --stack-name x --template-file x --bogus x",
		"aws dynamodb delete-table --table-name t --force",
		"aws kms schedule-key-deletion --key-id x --pending-window-in-days 0",
		"aws kms schedule-key-deletion --key-id x --pending-window-in-days many",
	} {
		aws = append(aws, command{"x.md", strings.Fields(text)})
	}
	if got := refusedByAWS(t, aws); len(got) != len(aws) {
		t.Errorf("%d findings for %d wrong commands:\n%s", len(got), len(aws), strings.Join(got, "\n"))
	}
	for _, text := range []string{"gatehouse aws check --env dev", "gatehouse aws chek --environment dev", "gatehouse awss check", "gatehouse audit shows --environment dev"} {
		own = append(own, command{"x.md", strings.Fields(text)})
	}
	if got := refusedByGatehouse(t, own); len(got) != len(own) {
		t.Errorf("%d findings for %d wrong commands:\n%s", len(got), len(own), strings.Join(got, "\n"))
	}
	right := []command{
		{"x.md", strings.Fields("aws kms schedule-key-deletion --key-id x --pending-window-in-days 30")},
		{"x.md", strings.Fields("aws cloudformation wait stack-delete-complete --stack-name x")},
		{"x.md", strings.Fields("aws lambda invoke --function-name f --payload fileb://missing.json out")},
	}
	if got := refusedByAWS(t, right); len(got) > 0 {
		t.Errorf("findings for right commands: %s", got)
	}
}
