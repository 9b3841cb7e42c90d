package actors

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

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

	// Sub is the user's id, once the sign-up succeeded.
	Sub string
	// IDToken, AccessToken and RefreshToken are those of the last sign-in, which
	// expire after ExpiresIn seconds.
	IDToken, AccessToken, RefreshToken string
	ExpiresIn                          int32
}

// SignUp registers the address.
func (p *Person) SignUp(ctx context.Context) error {
	out, err := p.Pool.SignUp(ctx, &cognito.SignUpInput{
		ClientId: &p.ClientID, Username: &p.Email, Password: &p.Password, ClientMetadata: p.Metadata,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &p.Email}},
	})
	if err != nil {
		return fmt.Errorf("cognito.SignUp: %w", err)
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
	_, err := p.Pool.ConfirmSignUp(ctx, &cognito.ConfirmSignUpInput{ClientId: &p.ClientID, Username: &p.Email, ConfirmationCode: &code})
	if err != nil {
		return fmt.Errorf("cognito.ConfirmSignUp: %w", err)
	}
	return nil
}

// AdminConfirm confirms the account as an administrator does, without a code.
func (p *Person) AdminConfirm(ctx context.Context) error {
	_, err := p.Pool.AdminConfirmSignUp(ctx, &cognito.AdminConfirmSignUpInput{UserPoolId: &p.PoolID, Username: &p.Email})
	if err != nil {
		return fmt.Errorf("cognito.AdminConfirmSignUp: %w", err)
	}
	return nil
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
