package e2e

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"gatehouse.example/contracts"
)

// TestAPoolThatExists attaches the triggers to a pool that another team made, and detaches
// them. While they are attached, its people are in the events.
func TestAPoolThatExists(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.clients(t).cognito
	made := must(c.CreateUserPool(t.Context(), &cognito.CreateUserPoolInput{
		PoolName: aws.String("customers"), AutoVerifiedAttributes: []types.VerifiedAttributeType{"email"}, UsernameAttributes: []types.UsernameAttributeType{"email"},
		Policies:           &types.UserPoolPolicyType{PasswordPolicy: &types.PasswordPolicyType{MinimumLength: aws.Int32(10), TemporaryPasswordValidityDays: 3}},
		UserPoolTags:       map[string]string{"team": "customers"},
		EmailConfiguration: &types.EmailConfigurationType{EmailSendingAccount: types.EmailSendingAccountTypeCognitoDefault},
	}))(t).UserPool
	t.Cleanup(func() {
		if _, err := c.DeleteUserPool(context.WithoutCancel(t.Context()), &cognito.DeleteUserPoolInput{UserPoolId: made.Id}); err != nil {
			t.Error(err)
		}
	})
	app := must(c.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: made.Id, ClientName: aws.String("app"), ExplicitAuthFlows: []types.ExplicitAuthFlowsType{"ALLOW_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"},
	}))(t).UserPoolClient
	described := func() *types.UserPoolType {
		return must(c.DescribeUserPool(t.Context(), &cognito.DescribeUserPoolInput{UserPoolId: made.Id}))(t).UserPool
	}
	signUp := func(domain string) (*person, error) {
		p := s.newPerson(t)
		p.PoolID, p.ClientID, p.Email = *made.Id, *app.ClientId, p.local+"@"+domain
		return p, p.SignUp(t.Context())
	}
	before := described()
	// It is the former name of TemporaryPasswordValidityDays, and not passed back.
	before.AdminCreateUserConfig.UnusedAccountValidityDays = 0

	inbox := s.subscribe(t)
	file := filepath.Join(t.TempDir(), "pool.json")
	out, err := s.gatehouse(t, "attach", "--user-pool-id", *made.Id, "--environment", "local", "--save", file, "--yes")
	if err != nil || !strings.Contains(out, "every other setting is as it was") {
		t.Fatalf("attach: %v\n%s", err, out)
	}
	if _, err := signUp("mailinator.com"); err == nil {
		t.Error("a disposable address signs up")
	}
	p, err := signUp("customers.example")
	check(t, err)
	p.confirm(t)
	p.signIn(t)
	for _, typ := range []string{contracts.TypeUserCreated, contracts.TypeSigninAttempted, contracts.TypeSigninSucceeded} {
		if got := inbox.wait(t, 1, of(typ, p.Sub))[0].Event.Source(); got != *made.Arn {
			t.Errorf("%s has the source %s, want %s", typ, got, *made.Arn)
		}
	}

	out, err = s.gatehouse(t, "detach", "--user-pool-id", *made.Id, "--save", file+"2", "--yes")
	if err != nil {
		t.Fatalf("detach: %v\n%s", err, out)
	}
	if _, err := signUp("mailinator.com"); err != nil {
		t.Errorf("after detach: %v", err)
	}
	ignored := cmpopts.IgnoreFields(types.UserPoolType{}, "LastModifiedDate", "EstimatedNumberOfUsers")
	same := cmp.Options{ignored, cmpopts.EquateEmpty(), cmpopts.IgnoreUnexported(types.UserPoolType{}, types.UserPoolPolicyType{}, types.PasswordPolicyType{},
		types.LambdaConfigType{}, types.AdminCreateUserConfigType{}, types.EmailConfigurationType{}, types.SchemaAttributeType{}, types.StringAttributeConstraintsType{},
		types.NumberAttributeConstraintsType{}, types.SmsConfigurationType{}, types.AccountRecoverySettingType{}, types.SignInPolicyType{})}
	if diff := cmp.Diff(before, described(), same); diff != "" {
		t.Errorf("the pool (-before +after):\n%s", diff)
	}

	if out, err = s.gatehouse(t, "detach", "--user-pool-id", *made.Id, "--undo", file+"2", "--save", file+"3", "--yes"); err != nil {
		t.Fatalf("undo: %v\n%s", err, out)
	}
	if _, err := signUp("mailinator.com"); err == nil {
		t.Error("after undo a disposable address signs up")
	}
}
