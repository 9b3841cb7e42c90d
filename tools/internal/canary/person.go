package canary

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/alexrudd/cognito-srp/v4"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
)

// userPool is what a person and whoever looks after them do with Cognito.
type userPool interface {
	AdminConfirmSignUp(context.Context, *cognito.AdminConfirmSignUpInput, ...func(*cognito.Options)) (*cognito.AdminConfirmSignUpOutput, error)
	AdminDeleteUser(context.Context, *cognito.AdminDeleteUserInput, ...func(*cognito.Options)) (*cognito.AdminDeleteUserOutput, error)
	DescribeUserPoolClient(context.Context, *cognito.DescribeUserPoolClientInput, ...func(*cognito.Options)) (*cognito.DescribeUserPoolClientOutput, error)
	InitiateAuth(context.Context, *cognito.InitiateAuthInput, ...func(*cognito.Options)) (*cognito.InitiateAuthOutput, error)
	ListUsers(context.Context, *cognito.ListUsersInput, ...func(*cognito.Options)) (*cognito.ListUsersOutput, error)
	RespondToAuthChallenge(context.Context, *cognito.RespondToAuthChallengeInput, ...func(*cognito.Options)) (*cognito.RespondToAuthChallengeOutput, error)
	SignUp(context.Context, *cognito.SignUpInput, ...func(*cognito.Options)) (*cognito.SignUpOutput, error)
}

// person is the synthetic user.
type person struct {
	pool                userPool
	names               names
	email, sub, idToken string
	password            string
	// made are the user names that may exist: whatever comes between, they go.
	made []string
}

// newPassword meets every policy that a pool can have, and nobody learns it.
func newPassword() string { return "aA1-" + rand.Text() }

// signUp signs up with an address and returns the sub.
func (p *person) signUp(ctx context.Context, email, password string) (string, error) {
	p.made = append(p.made, email)
	out, err := p.pool.SignUp(ctx, &cognito.SignUpInput{
		ClientId: &p.names.nativeClient, Username: &email, Password: &password,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &email}},
	})
	if err != nil {
		return "", fmt.Errorf("cognito.SignUp: %w", err)
	}
	return aws.ToString(out.UserSub), nil
}

// tryDisposable signs up with an address that has to be refused, and returns what
// a person would read.
func (p *person) tryDisposable(ctx context.Context, domain string) (string, error) {
	_, err := p.signUp(ctx, "success@"+domain, newPassword())
	var refusal *types.UserLambdaValidationException
	switch {
	case errors.As(err, &refusal):
		return refusal.ErrorMessage(), nil
	case err != nil:
		return "", err
	}
	return "", errors.New("a disposable address was accepted; is signup-guard the pool's PreSignUp trigger?")
}

func (p *person) join(ctx context.Context) error {
	p.password = newPassword()
	sub, err := p.signUp(ctx, p.email, p.password)
	if err == nil && sub == "" {
		err = errors.New("cognito.SignUp: no sub in the answer")
	}
	p.sub = sub
	return err
}

// confirm is the administrator's word, for nobody can read the code that
// Cognito mails.
func (p *person) confirm(ctx context.Context) error {
	_, err := p.pool.AdminConfirmSignUp(ctx, &cognito.AdminConfirmSignUpInput{UserPoolId: &p.names.pool, Username: &p.email})
	if err != nil {
		return fmt.Errorf("cognito.AdminConfirmSignUp: %w", err)
	}
	return nil
}

func (p *person) mistype(ctx context.Context) error {
	_, err := p.signIn(ctx, newPassword())
	var refusal *types.NotAuthorizedException
	switch {
	case errors.As(err, &refusal):
		return nil
	case err != nil:
		return err
	}
	return errors.New("a wrong password was accepted")
}

func (p *person) enter(ctx context.Context) (flow string, err error) {
	flow, err = p.signIn(ctx, p.password)
	if err == nil && p.idToken == "" {
		err = errors.New("there is no ID token among the tokens")
	}
	return flow, err
}

// signIn goes the way that the native client allows: by SRP, as apps do, or else
// with the password as it is.
func (p *person) signIn(ctx context.Context, password string) (string, error) {
	client, err := p.pool.DescribeUserPoolClient(ctx, &cognito.DescribeUserPoolClientInput{UserPoolId: &p.names.pool, ClientId: &p.names.nativeClient})
	if err != nil {
		return "", fmt.Errorf("cognito.DescribeUserPoolClient: %w", err)
	}
	flows := client.UserPoolClient.ExplicitAuthFlows
	switch {
	case slices.Contains(flows, types.ExplicitAuthFlowsTypeAllowUserSrpAuth):
		return "by SRP", p.bySRP(ctx, password)
	case slices.Contains(flows, types.ExplicitAuthFlowsTypeAllowUserPasswordAuth):
		return "by password", p.byPassword(ctx, password)
	}
	return "", errors.New("the native client allows neither SRP nor passwords")
}

func (p *person) bySRP(ctx context.Context, password string) error {
	srp, err := cognitosrp.NewCognitoSRP(p.email, password, p.names.pool, p.names.nativeClient, nil)
	if err != nil {
		return fmt.Errorf("cognitosrp.NewCognitoSRP: %w", err)
	}
	first, err := p.pool.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId: &p.names.nativeClient, AuthFlow: types.AuthFlowTypeUserSrpAuth, AuthParameters: srp.GetAuthParams(),
	})
	if err != nil {
		return fmt.Errorf("cognito.InitiateAuth: %w", err)
	}
	if first.ChallengeName != types.ChallengeNameTypePasswordVerifier {
		return fmt.Errorf("cognito.InitiateAuth: the challenge %q", first.ChallengeName)
	}
	proof, err := srp.PasswordVerifierChallenge(first.ChallengeParameters, time.Now())
	if err != nil {
		return fmt.Errorf("cognitosrp.PasswordVerifierChallenge: %w", err)
	}
	second, err := p.pool.RespondToAuthChallenge(ctx, &cognito.RespondToAuthChallengeInput{
		ClientId: &p.names.nativeClient, ChallengeName: first.ChallengeName, ChallengeResponses: proof, Session: first.Session,
	})
	if err != nil {
		return fmt.Errorf("cognito.RespondToAuthChallenge: %w", err)
	}
	return p.take(second.AuthenticationResult, second.ChallengeName)
}

func (p *person) byPassword(ctx context.Context, password string) error {
	out, err := p.pool.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId: &p.names.nativeClient, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": p.email, "PASSWORD": password},
	})
	if err != nil {
		return fmt.Errorf("cognito.InitiateAuth: %w", err)
	}
	return p.take(out.AuthenticationResult, out.ChallengeName)
}

func (p *person) take(tokens *types.AuthenticationResultType, challenge types.ChallengeNameType) error {
	if tokens == nil {
		return fmt.Errorf("instead of tokens came the challenge %q", challenge)
	}
	p.idToken = aws.ToString(tokens.IdToken)
	return nil
}

// leave deletes every user that this run may have made.
func (p *person) leave(ctx context.Context) error {
	var errs []error
	for _, name := range p.made {
		errs = append(errs, p.remove(ctx, name))
	}
	return errors.Join(errs...)
}

func (p *person) remove(ctx context.Context, name string) error {
	_, err := p.pool.AdminDeleteUser(ctx, &cognito.AdminDeleteUserInput{UserPoolId: &p.names.pool, Username: &name})
	var gone *types.UserNotFoundException
	if err != nil && !errors.As(err, &gone) {
		return fmt.Errorf("cognito.AdminDeleteUser: %w", err)
	}
	return nil
}

// sweep deletes the users of canaries that crashed, and says how many.
func (p *person) sweep(ctx context.Context, now time.Time) (int, error) {
	n := 0
	pages := cognito.NewListUsersPaginator(p.pool, &cognito.ListUsersInput{
		UserPoolId: &p.names.pool, Filter: aws.String(`email ^= "` + localPart + `"`), AttributesToGet: []string{"email"},
	})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return n, fmt.Errorf("cognito.ListUsers: %w", err)
		}
		for _, user := range page.Users {
			if !abandoned(idOfAddress(emailOf(user)), now) {
				continue
			}
			if err := p.remove(ctx, aws.ToString(user.Username)); err != nil {
				return n, err
			}
			n++
		}
	}
	return n, nil
}

func emailOf(user types.UserType) string {
	for _, a := range user.Attributes {
		if aws.ToString(a.Name) == "email" {
			return aws.ToString(a.Value)
		}
	}
	return ""
}
