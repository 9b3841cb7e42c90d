package awsdeploy

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"gatehouse.example/tools/internal/awsdeploy/check"
)

func TestInRegion(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"  receive alarms   aws sns subscribe --topic-arn x\n":     "  receive alarms   aws sns subscribe --region eu-west-1 --topic-arn x\n",
		"aws route53 list-hosted-zones":                            "aws route53 list-hosted-zones --region eu-west-1",
		"'gatehouse aws check' lists them":                         "'gatehouse aws check --region eu-west-1' lists them",
		"gatehouse aws destroy --environment dev":                  "gatehouse aws destroy --region eu-west-1 --environment dev",
		"  gatehouse events dead list --environment dev":           "  AWS_REGION=eu-west-1 gatehouse events dead list --environment dev",
		"aws s3api a-b --x y && aws cloudformation wait c-d --x y": "aws s3api a-b --region eu-west-1 --x y && aws cloudformation wait c-d --region eu-west-1 --x y",
		"(aws acm x --region us-east-1 --y z)":                     "(aws acm x --region us-east-1 --y z)",
		"stack aws-sam-cli-managed-default of AWS":                 "stack aws-sam-cli-managed-default of AWS",
		"docs/deploy-aws.md says how":                              "docs/deploy-aws.md says how",
		"gatehouse: nothing was changed":                           "gatehouse: nothing was changed",
	} {
		if got := inRegion("eu-west-1", text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// TestRegionOfTheFlag prints a finding and every way to delete what is retained: with a
// flag, each command has its region.
func TestRegionOfTheFlag(t *testing.T) {
	t.Parallel()
	var all []*deployedStack
	for _, d := range deletions {
		all = append(all, &deployedStack{Name: "s", Resources: []resource{{ID: "R", Type: d.typ, Physical: "p", Kept: true}}})
	}
	for region, want := range map[string]int{"": 0, "eu-west-1": 1} {
		var out strings.Builder
		w := options{region: region}.output(&out)
		printKept(w, all, "dev")
		check.Print(w, []check.Finding{{Level: check.Stop, What: "w", Text: "t", Next: "aws sqs get-queue-url"}})
		for line := range strings.Lines(out.String()) {
			commands := strings.Count(line, "aws iam") + strings.Count(line, "aws s3api") + strings.Count(line, "aws sns") + strings.Count(line, "aws sqs") +
				strings.Count(line, "aws logs") + strings.Count(line, "aws apigateway") + strings.Count(line, "aws cognito-identity") + strings.Count(line, "gatehouse aws")
			if n := strings.Count(line, "--region eu-west-1"); n != want*commands {
				t.Errorf("with the region %q: %d regions for %d commands: %s", region, n, commands, line)
			}
		}
		if n := strings.Count(out.String(), " aws "); n < 8 {
			t.Errorf("only %d commands:\n%s", n, out.String())
		}
	}
	cause := errors.New("run aws sqs get-queue-url")
	err := fmt.Errorf("wrapped: %w", error(regionalError{cause, "eu-west-1"}))
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), "get-queue-url --region eu-west-1") {
		t.Errorf("%v", err)
	}
}
