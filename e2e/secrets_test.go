package e2e

import (
	"context"
	"errors"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"golang.org/x/oauth2"

	"gatehouse.example/tools/actors"
)

// TestSecondSecret changes a machine's secret as platform/README.md says, and asks for a
// token after each step with the old secret and with the new one.
func TestSecondSecret(t *testing.T) {
	t.Parallel()
	s := start(t)
	c := s.clients(t).cognito
	made := must(c.CreateUserPoolClient(t.Context(), &cognito.CreateUserPoolClientInput{
		UserPoolId: s.pool(), ClientName: aws.String("two-secrets"), GenerateSecret: true,
		AllowedOAuthFlowsUserPoolClient: true, AllowedOAuthFlows: []types.OAuthFlowType{types.OAuthFlowTypeClientCredentials},
		AllowedOAuthScopes: []string{"gatehouse/client"},
	}))(t).UserPoolClient
	t.Cleanup(func() {
		_, _ = c.DeleteUserPoolClient(context.WithoutCancel(t.Context()), &cognito.DeleteUserPoolClientInput{UserPoolId: s.pool(), ClientId: made.ClientId})
	})
	list := func() []types.ClientSecretDescriptorType {
		return must(c.ListUserPoolClientSecrets(t.Context(), &cognito.ListUserPoolClientSecretsInput{UserPoolId: s.pool(), ClientId: made.ClientId}))(t).ClientSecrets
	}
	machine := s.machine("gatehouse/client")
	machine.ClientID = aws.ToString(made.ClientId)
	works := func(step, secret string, want bool) {
		t.Helper()
		machine.Secret = secret
		_, err := machine.Token(t.Context())
		var refusal *oauth2.RetrieveError
		if (err == nil) != want || err != nil && !errors.As(err, &refusal) {
			t.Errorf("%s: %v, want a token: %v", step, err, want)
		}
	}
	first := list()
	if len(first) != 1 || first[0].ClientSecretValue != nil {
		t.Fatalf("%d secrets at first", len(first))
	}
	added := must(c.AddUserPoolClientSecret(t.Context(), &cognito.AddUserPoolClientSecretInput{UserPoolId: s.pool(), ClientId: made.ClientId}))(t).ClientSecretDescriptor
	before, after := aws.ToString(made.ClientSecret), aws.ToString(added.ClientSecretValue)
	works("with two", before, true)
	works("with two", after, true)
	works("with two", "guessed", false)
	var full *types.LimitExceededException
	if _, err := c.AddUserPoolClientSecret(t.Context(), &cognito.AddUserPoolClientSecretInput{UserPoolId: s.pool(), ClientId: made.ClientId}); !errors.As(err, &full) {
		t.Errorf("a third secret: %v", err)
	}
	shown := &actors.Machine{ClientID: machine.ClientID}
	check(t, shown.ReadSecret(t.Context(), c, *s.pool()))
	if shown.Secret != before {
		t.Error("with two secrets, the client does not show the one that it was created with")
	}
	must(c.DeleteUserPoolClientSecret(t.Context(), &cognito.DeleteUserPoolClientSecretInput{
		UserPoolId: s.pool(), ClientId: made.ClientId, ClientSecretId: first[0].ClientSecretId,
	}))(t)
	works("after the deletion", before, false)
	works("after the deletion", after, true)
	check(t, shown.ReadSecret(t.Context(), c, *s.pool()))
	if shown.Secret != "" {
		t.Error("the client shows a secret after its first one was deleted")
	}
	_, err := c.DeleteUserPoolClientSecret(t.Context(), &cognito.DeleteUserPoolClientSecretInput{
		UserPoolId: s.pool(), ClientId: made.ClientId, ClientSecretId: added.ClientSecretId,
	})
	if err == nil || len(list()) != 1 {
		t.Errorf("the last secret was deleted: %v", err)
	}
}
