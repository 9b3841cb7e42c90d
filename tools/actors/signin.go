package actors

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alexrudd/cognito-srp/v4"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// SignIn uses the flow that the app client allows: SRP, as apps do, or else the
// password as it is. It returns which.
func (p *Person) SignIn(ctx context.Context, password string) (flow string, err error) {
	client, err := p.Pool.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: &p.PoolID, ClientId: &p.ClientID})
	if err != nil {
		return "", fmt.Errorf("cognito.DescribeUserPoolClient: %w", err)
	}
	flows := client.UserPoolClient.ExplicitAuthFlows
	switch {
	case slices.Contains(flows, types.ExplicitAuthFlowsTypeAllowUserSrpAuth):
		return "by SRP", p.SignInBySRP(ctx, password)
	case slices.Contains(flows, types.ExplicitAuthFlowsTypeAllowUserPasswordAuth):
		return "by password", p.SignInByPassword(ctx, password)
	}
	return "", errors.New("the app client allows neither SRP nor passwords")
}

// SignInByPassword sends the password to Cognito.
func (p *Person) SignInByPassword(ctx context.Context, password string) error {
	return p.initiate(ctx, types.AuthFlowTypeUserPasswordAuth, map[string]string{"USERNAME": p.Email, "PASSWORD": password})
}

// Refresh gets new tokens with the refresh token of the last sign-in.
func (p *Person) Refresh(ctx context.Context) error {
	return p.initiate(ctx, types.AuthFlowTypeRefreshTokenAuth, map[string]string{"REFRESH_TOKEN": p.RefreshToken})
}

func (p *Person) initiate(ctx context.Context, flow types.AuthFlowType, parameters map[string]string) error {
	out, err := p.Pool.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId: &p.ClientID, AuthFlow: flow, AuthParameters: parameters, ClientMetadata: p.Metadata,
	})
	if err != nil {
		return fmt.Errorf("cognito.InitiateAuth: %w", err)
	}
	return p.keep(out.AuthenticationResult, out.ChallengeName)
}

// SignInBySRP proves the password without sending it.
func (p *Person) SignInBySRP(ctx context.Context, password string) error {
	srp, err := cognitosrp.NewCognitoSRP(p.Email, password, p.PoolID, p.ClientID, nil)
	if err != nil {
		return fmt.Errorf("cognitosrp.NewCognitoSRP: %w", err)
	}
	first, err := p.Pool.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId: &p.ClientID, AuthFlow: types.AuthFlowTypeUserSrpAuth, AuthParameters: srp.GetAuthParams(), ClientMetadata: p.Metadata,
	})
	if err != nil {
		return fmt.Errorf("cognito.InitiateAuth: %w", err)
	}
	if first.ChallengeName != types.ChallengeNameTypePasswordVerifier {
		return fmt.Errorf("cognito.InitiateAuth: got the challenge %q", first.ChallengeName)
	}
	proof, err := srp.PasswordVerifierChallenge(first.ChallengeParameters, time.Now())
	if err != nil {
		return fmt.Errorf("cognitosrp.PasswordVerifierChallenge: %w", err)
	}
	second, err := p.Pool.RespondToAuthChallenge(ctx, &cognito.RespondToAuthChallengeInput{
		ClientId: &p.ClientID, ChallengeName: first.ChallengeName, ChallengeResponses: proof, Session: first.Session,
	})
	if err != nil {
		return fmt.Errorf("cognito.RespondToAuthChallenge: %w", err)
	}
	return p.keep(second.AuthenticationResult, second.ChallengeName)
}

// keep keeps the tokens. A refresh returns no new refresh token.
func (p *Person) keep(tokens *types.AuthenticationResultType, challenge types.ChallengeNameType) error {
	if tokens == nil {
		return fmt.Errorf("got the challenge %q instead of tokens", challenge)
	}
	if aws.ToString(tokens.IdToken) == "" {
		return errors.New("got no ID token")
	}
	p.IDToken, p.AccessToken, p.ExpiresIn = *tokens.IdToken, aws.ToString(tokens.AccessToken), tokens.ExpiresIn
	if tokens.RefreshToken != nil {
		p.RefreshToken = *tokens.RefreshToken
	}
	return nil
}

// WrongPassword signs in with a password that is not the person's, which Cognito
// has to refuse. It returns what the person reads.
func (p *Person) WrongPassword(ctx context.Context, signIn func(ctx context.Context, password string) error) (string, error) {
	err := signIn(ctx, NewPassword())
	var refusal *types.NotAuthorizedException
	switch {
	case errors.As(err, &refusal):
		return refusal.ErrorMessage(), nil
	case err != nil:
		return "", err
	}
	return "", errors.New("a wrong password was accepted")
}
