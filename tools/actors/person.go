package actors

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alexrudd/cognito-srp/v4"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"
)

// UserPool is what a person and an administrator do with Cognito.
type UserPool interface {
	AdminConfirmSignUp(context.Context, *cognito.AdminConfirmSignUpInput, ...func(*cognito.Options)) (*cognito.AdminConfirmSignUpOutput, error)
	AdminDeleteUser(context.Context, *cognito.AdminDeleteUserInput, ...func(*cognito.Options)) (*cognito.AdminDeleteUserOutput, error)
	ConfirmSignUp(context.Context, *cognito.ConfirmSignUpInput, ...func(*cognito.Options)) (*cognito.ConfirmSignUpOutput, error)
	DescribeUserPoolClient(context.Context, *cognito.DescribeUserPoolClientInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolClientOutput, error)
	GetTokensFromRefreshToken(context.Context, *cognito.GetTokensFromRefreshTokenInput, ...func(*cognito.Options)) (*cognito.GetTokensFromRefreshTokenOutput, error)
	InitiateAuth(context.Context, *cognito.InitiateAuthInput, ...func(*cognito.Options)) (*cognito.InitiateAuthOutput, error)
	RespondToAuthChallenge(context.Context, *cognito.RespondToAuthChallengeInput, ...func(*cognito.Options)) (*cognito.RespondToAuthChallengeOutput, error)
	SignUp(context.Context, *cognito.SignUpInput, ...func(*cognito.Options)) (*cognito.SignUpOutput, error)
}

// OnceOnly configures a Cognito client that does not retry: a repeated sign-in
// would be a second one.
func OnceOnly(o *cognito.Options) { o.RetryMaxAttempts = 1 }

// Person signs up and in with an email address and a password.
type Person struct {
	Pool             UserPool
	PoolID, ClientID string
	Email, Password  string
	// Metadata is the ClientMetadata of every call that takes one.
	Metadata map[string]string

	// Sub is the user's id, once the sign-up succeeded; if its answer was lost, once the
	// person signed in.
	Sub string
	// IDToken, AccessToken and RefreshToken are those of the last sign-in, which
	// expire after ExpiresIn seconds.
	IDToken, AccessToken, RefreshToken string
	ExpiresIn                          int32

	signingUp, confirming lost
}

// SignUp registers the address. It may be repeated if the answer was lost: an account
// that exists then is this person's.
func (p *Person) SignUp(ctx context.Context) error {
	out, err := p.Pool.SignUp(ctx, &cognito.SignUpInput{
		ClientId: &p.ClientID, Username: &p.Email, Password: &p.Password, ClientMetadata: p.Metadata,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &p.Email}},
	}, p.signingUp.watch)
	var exists *types.UsernameExistsException
	if errors.As(err, &exists) && p.signingUp.before(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("cognito.SignUp: %w", p.signingUp.note(err))
	}
	if p.Sub = aws.ToString(out.UserSub); p.Sub == "" {
		return errors.New("cognito.SignUp: no sub in the answer")
	}
	return nil
}

// Refusal is the text that a person reads when a trigger refuses the sign-up. It
// is empty if err is anything else.
func Refusal(err error) string {
	var refusal *types.UserLambdaValidationException
	if !errors.As(err, &refusal) {
		return ""
	}
	return refusal.ErrorMessage()
}

// Confirm confirms the account with the code from the mail.
func (p *Person) Confirm(ctx context.Context, code string) error {
	_, err := p.Pool.ConfirmSignUp(ctx, &cognito.ConfirmSignUpInput{ClientId: &p.ClientID, Username: &p.Email, ConfirmationCode: &code}, p.confirming.watch)
	if err != nil && !p.isConfirmed(err) {
		return fmt.Errorf("cognito.ConfirmSignUp: %w", p.confirming.note(err))
	}
	return nil
}

// AdminConfirm confirms the account as an administrator does, without a code.
func (p *Person) AdminConfirm(ctx context.Context) error {
	_, err := p.Pool.AdminConfirmSignUp(ctx, &cognito.AdminConfirmSignUpInput{UserPoolId: &p.PoolID, Username: &p.Email}, p.confirming.watch)
	if err != nil && !p.isConfirmed(err) {
		return fmt.Errorf("cognito.AdminConfirmSignUp: %w", p.confirming.note(err))
	}
	return nil
}

// isConfirmed reports whether an earlier call confirmed the account, whose answer was
// lost. Cognito answers the next one with "User cannot be confirmed. Current status is
// CONFIRMED" (furaiev/amazon-cognito-identity-dart-2#80) or "User cannot confirm because
// user status is not UNCONFIRMED." (keboola/developer-portal#186).
func (p *Person) isConfirmed(err error) bool {
	var refusal *types.NotAuthorizedException
	return errors.As(err, &refusal) && strings.HasPrefix(refusal.ErrorMessage(), "User cannot ") && p.confirming.before(err)
}

// Delete deletes the account as an administrator does. It is not an error if
// there is none.
func (p *Person) Delete(ctx context.Context) error {
	_, err := p.Pool.AdminDeleteUser(ctx, &cognito.AdminDeleteUserInput{UserPoolId: &p.PoolID, Username: &p.Email})
	var gone *types.UserNotFoundException
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("cognito.AdminDeleteUser: %w", err)
	}
	return nil
}

// Caused reports whether an event is about this person: by the sub or, where the
// event has none because there is no user yet, by the domain of the address.
func (p *Person) Caused(ev event.Event) bool {
	_, domain, _ := strings.Cut(p.Email, "@")
	return p.Sub != "" && ev.Subject() == p.Sub || DomainOf(ev) == domain
}

// DomainOf is the domain that an event of a sign-up names, or empty.
func DomainOf(ev event.Event) string {
	var data struct{ Domain string }
	if json.Unmarshal(ev.Data(), &data) != nil {
		return ""
	}
	return data.Domain
}

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

// Refresh gets new tokens with the refresh token of the last sign-in. A client that
// rotates refresh tokens allows this call only, and any other client allows it too:
// https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-refresh-token.html
func (p *Person) Refresh(ctx context.Context) error {
	out, err := p.Pool.GetTokensFromRefreshToken(ctx, &cognito.GetTokensFromRefreshTokenInput{
		ClientId: &p.ClientID, RefreshToken: &p.RefreshToken, ClientMetadata: p.Metadata,
	})
	if err != nil {
		return fmt.Errorf("cognito.GetTokensFromRefreshToken: %w", err)
	}
	return p.keep(out.AuthenticationResult, "")
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

// keep keeps the tokens. A refresh returns a new refresh token only if the client rotates them.
func (p *Person) keep(tokens *types.AuthenticationResultType, challenge types.ChallengeNameType) error {
	if tokens == nil {
		return fmt.Errorf("got the challenge %q instead of tokens", challenge)
	}
	if aws.ToString(tokens.IdToken) == "" {
		return errors.New("got no ID token")
	}
	p.IDToken, p.AccessToken, p.ExpiresIn = *tokens.IdToken, aws.ToString(tokens.AccessToken), tokens.ExpiresIn
	if p.Sub == "" {
		p.Sub = subOf(p.IDToken)
	}
	if tokens.RefreshToken != nil {
		p.RefreshToken = *tokens.RefreshToken
	}
	return nil
}

// subOf is the sub of an ID token that Cognito just answered with, or empty.
func subOf(token string) string {
	var claims struct{ Sub string }
	if parts := strings.Split(token, "."); len(parts) == 3 {
		if raw, err := base64.RawURLEncoding.DecodeString(parts[1]); err != nil || json.Unmarshal(raw, &claims) != nil {
			return ""
		}
	}
	return claims.Sub
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
