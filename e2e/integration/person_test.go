package integration

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/alexrudd/cognito-srp/v4"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"

	"gatehouse.example/contracts"
)

// person is a synthetic user of the environment's pool.
type person struct {
	pool                          *cognito.Client
	poolID, clientID              string
	email, password, sub, idToken string
	accessToken                   string
}

// stranger has an address and no account.
func (e *environment) stranger(t *testing.T) *person {
	t.Helper()
	return &person{
		// A repeated sign-in would be a second act, so this client tries once.
		pool:   cognito.NewFromConfig(e.cfg, func(o *cognito.Options) { o.RetryMaxAttempts = 1 }),
		poolID: e.of(t, "platform/user-pool-id"), clientID: e.of(t, "platform/native-client-id"),
		email: "success+gatehouse-canary-" + newID() + "@" + contracts.SyntheticDomain, password: "aA1-" + rand.Text(),
	}
}

// member has an account that is confirmed, until the test ends.
func (e *environment) member(t *testing.T) *person {
	t.Helper()
	p := e.stranger(t)
	out := must(p.signUp(t, p.email))(t)
	p.sub = aws.ToString(out.UserSub)
	must(p.pool.AdminConfirmSignUp(t.Context(), &cognito.AdminConfirmSignUpInput{UserPoolId: &p.poolID, Username: &p.email}))(t)
	return p
}

// signUp also sees to it that no account outlives the test.
func (p *person) signUp(t *testing.T, email string) (*cognito.SignUpOutput, error) {
	t.Helper()
	afterwards(t, func(ctx context.Context) error {
		_, err := p.pool.AdminDeleteUser(ctx, &cognito.AdminDeleteUserInput{UserPoolId: &p.poolID, Username: &email})
		if isA[*types.UserNotFoundException](err) {
			return nil
		}
		return err
	})
	return p.pool.SignUp(t.Context(), &cognito.SignUpInput{
		ClientId: &p.clientID, Username: &email, Password: &p.password,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &email}},
	})
}

// signIn goes the way that the native client allows, SRP first.
func (p *person) signIn(ctx context.Context, password string) error {
	client, err := p.pool.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: &p.poolID, ClientId: &p.clientID})
	if err != nil {
		return fmt.Errorf("cognito.DescribeUserPoolClient: %w", err)
	}
	if !slices.Contains(client.UserPoolClient.ExplicitAuthFlows, types.ExplicitAuthFlowsTypeAllowUserSrpAuth) {
		out, err := p.pool.InitiateAuth(ctx, &cognito.InitiateAuthInput{
			ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
			AuthParameters: map[string]string{"USERNAME": p.email, "PASSWORD": password},
		})
		if err != nil {
			return fmt.Errorf("cognito.InitiateAuth: %w", err)
		}
		return p.take(out.AuthenticationResult)
	}
	srp, err := cognitosrp.NewCognitoSRP(p.email, password, p.poolID, p.clientID, nil)
	if err != nil {
		return fmt.Errorf("cognitosrp.NewCognitoSRP: %w", err)
	}
	first, err := p.pool.InitiateAuth(ctx, &cognito.InitiateAuthInput{ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeUserSrpAuth, AuthParameters: srp.GetAuthParams()})
	if err != nil {
		return fmt.Errorf("cognito.InitiateAuth: %w", err)
	}
	proof, err := srp.PasswordVerifierChallenge(first.ChallengeParameters, time.Now())
	if err != nil {
		return fmt.Errorf("cognitosrp.PasswordVerifierChallenge: %w", err)
	}
	second, err := p.pool.RespondToAuthChallenge(ctx, &cognito.RespondToAuthChallengeInput{
		ClientId: &p.clientID, ChallengeName: first.ChallengeName, ChallengeResponses: proof, Session: first.Session,
	})
	if err != nil {
		return fmt.Errorf("cognito.RespondToAuthChallenge: %w", err)
	}
	return p.take(second.AuthenticationResult)
}

func (p *person) take(tokens *types.AuthenticationResultType) error {
	if tokens == nil {
		return errors.New("there are no tokens in the answer")
	}
	p.idToken, p.accessToken = aws.ToString(tokens.IdToken), aws.ToString(tokens.AccessToken)
	return nil
}

// signedIn is a member with tokens.
func (e *environment) signedIn(t *testing.T) *person {
	t.Helper()
	p := e.member(t)
	if err := p.signIn(t.Context(), p.password); err != nil {
		t.Fatal(err)
	}
	return p
}
