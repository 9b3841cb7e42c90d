package integration

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
)

// TestMigration: if the pool asks an old system about unknown people, it asks by this
// service's trigger. Who is in the old system only the operator knows.
func TestMigration(t *testing.T) {
	t.Parallel()
	e := here(t)
	function := e.of(t, "migration/usermigration-arn")
	if !strings.HasSuffix(function, ":live") {
		t.Errorf("the trigger is %s, want an alias live", function)
	}
	pool := e.of(t, "platform/user-pool-id")
	out := must(cognito.NewFromConfig(e.cfg).DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: &pool}))(t)
	if c := out.UserPool.LambdaConfig; c != nil && aws.ToString(c.UserMigration) != "" && *c.UserMigration != function {
		t.Errorf("the pool calls %s, and this service's trigger is %s", *c.UserMigration, function)
	}
}
