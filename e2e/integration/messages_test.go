package integration

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// TestMessages: if the pool's messages are written by a trigger, it is this service's, and
// people sign up with it. A trigger that Cognito may not call, or whose message it does not
// accept, makes it refuse them. What a mail contains only its reader can see.
func TestMessages(t *testing.T) {
	t.Parallel()
	e := here(t)
	function := e.of(t, "messages/custommessage-arn")
	if !strings.HasSuffix(function, ":live") {
		t.Errorf("the trigger is %s, want an alias live", function)
	}
	pool := e.of(t, "platform/user-pool-id")
	out := must(cognito.NewFromConfig(e.cfg).DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &pool}))(t)
	if c := out.UserPool.LambdaConfig; c != nil && aws.ToString(c.CustomMessage) != "" && *c.CustomMessage != function {
		t.Errorf("the pool calls %s, and this service's trigger is %s", *c.CustomMessage, function)
	}
	if err := e.stranger(t).SignUp(t.Context()); err != nil {
		t.Errorf("%v, want an account", err)
	}
}
