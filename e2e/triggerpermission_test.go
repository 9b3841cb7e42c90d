package e2e

import (
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/smithy-go"
)

// TestTriggerNeedsItsPermission takes the permission of the PreAuthentication
// trigger away, and every sign-in fails, as on AWS.
func TestTriggerNeedsItsPermission(t *testing.T) {
	t.Parallel()
	s := alone(t)
	c := s.clients(t)
	p := s.member(t)
	function := aws.String("gatehouse-local-signin-audit-preauthentication")
	policy := must(c.lambda.GetPolicy(t.Context(), &lambda.GetPolicyInput{FunctionName: function, Qualifier: aws.String("live")}))(t)
	sid := between(aws.ToString(policy.Policy), `"Sid":`, `"`, `"`)
	must(c.lambda.RemovePermission(t.Context(), &lambda.RemovePermissionInput{
		FunctionName: function, Qualifier: aws.String("live"), StatementId: &sid,
	}))(t)
	restore := func() {
		_, err := c.lambda.AddPermission(t.Context(), &lambda.AddPermissionInput{
			FunctionName: function, Qualifier: aws.String("live"), StatementId: &sid,
			Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("cognito-idp.amazonaws.com"),
			SourceAccount: aws.String("000000000000"),
			SourceArn:     aws.String("arn:aws:cognito-idp:" + s.env["AWS_REGION"] + ":000000000000:userpool/*"),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	err := p.SignInByPassword(t.Context(), password)
	restore()
	var api smithy.APIError
	if !errors.As(err, &api) {
		t.Fatalf("without the permission: got %v, want an error", err)
	}
	p.signIn(t)
}

// between returns the text between two marks after the first key.
func between(text, key, open, end string) string {
	_, rest, _ := strings.Cut(text, key)
	_, rest, _ = strings.Cut(rest, open)
	value, _, _ := strings.Cut(rest, end)
	return value
}
