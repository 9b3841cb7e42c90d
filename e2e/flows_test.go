package e2e

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

func TestSecureRemotePasswordFiresBothTriggersOnce(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.member(t)
	out, err := s.run(t, s.root+"/.local/venv-e2e/bin/python", "e2e/testdata/srp.py", p.Email, password)
	if err != nil {
		t.Fatalf("pycognito: %v\n%s", err, out)
	}
	if strings.TrimSpace(out) != p.Sub {
		t.Errorf("signed in as %q, want %q", out, p.Sub)
	}
	inbox.wait(t, 1, of(contracts.TypeSigninSucceeded, p.Sub))
	exactly(t, inbox, 1, of(contracts.TypeSigninAttempted, p.Sub))
	exactly(t, inbox, 1, of(contracts.TypeSigninSucceeded, p.Sub))
}

func TestCommandLineSignsUpAndIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.newPerson(t)
	for _, args := range [][]string{
		{"sign-up", "--username", p.Email, "--password", password},
		{"confirm-sign-up", "--username", p.Email, "--confirmation-code", signUpCode},
		{"initiate-auth", "--auth-flow", "USER_PASSWORD_AUTH", "--auth-parameters", "USERNAME=" + p.Email + ",PASSWORD=" + password},
	} {
		args = append([]string{"cognito-idp", args[0], "--client-id", s.env["NATIVE_CLIENT_ID"]}, args[1:]...)
		if out, err := s.run(t, "aws", args...); err != nil {
			t.Fatalf("aws %s: %v\n%s", args[1], err, out)
		}
	}
	user := must(p.c.cognito.AdminGetUser(t.Context(), &cognito.AdminGetUserInput{UserPoolId: s.pool(), Username: &p.Email}))(t)
	inbox.wait(t, 1, of(contracts.TypeSigninSucceeded, aws.ToString(user.Username)))
}

func TestRefreshIsNotASignIn(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.member(t)
	p.signIn(t)
	check(t, p.Refresh(t.Context()))
	s.barrier(t, inbox)
	exactly(t, inbox, 1, of(contracts.TypeSigninAttempted, p.Sub))
	exactly(t, inbox, 1, of(contracts.TypeSigninSucceeded, p.Sub))
}

func TestAdminConfirmAndForgottenPassword(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.newPerson(t)
	p.signUp(t)
	must(p.c.cognito.AdminConfirmSignUp(t.Context(), &cognito.AdminConfirmSignUpInput{UserPoolId: s.pool(), Username: &p.Email}))(t)
	inbox.wait(t, 1, of(contracts.TypeUserCreated, p.Sub))

	// The administrator's confirmation proves no address, and without one there is no code.
	must(p.c.cognito.AdminUpdateUserAttributes(t.Context(), &cognito.AdminUpdateUserAttributesInput{
		UserPoolId: s.pool(), Username: &p.Email, UserAttributes: []types.AttributeType{{Name: aws.String("email_verified"), Value: aws.String("true")}},
	}))(t)
	must(p.c.cognito.ForgotPassword(t.Context(), &cognito.ForgotPasswordInput{ClientId: s.nativeClient(), Username: &p.Email}))(t)
	must(p.c.cognito.ConfirmForgotPassword(t.Context(), &cognito.ConfirmForgotPasswordInput{
		ClientId: s.nativeClient(), Username: &p.Email, ConfirmationCode: aws.String(resetCode),
		Password: aws.String("Another-horse-7-battery"),
	}))(t)
	inbox.wait(t, 1, of(contracts.TypePasswordReset, p.Sub))
	exactly(t, inbox, 1, of(contracts.TypeUserCreated, p.Sub))
}

func TestUnknownUserIsAnAttemptWithoutASubject(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.newPerson(t)
	began := time.Now()
	var wrong *types.NotAuthorizedException
	if err := p.SignInByPassword(t.Context(), password); !errors.As(err, &wrong) {
		t.Fatalf("got %v, want NotAuthorizedException as for a wrong password", err)
	}
	inbox.wait(t, 1, func(ev event.Event) bool {
		return ev.Type() == contracts.TypeSigninAttempted && ev.Subject() == "" && !ev.Time().Before(began) &&
			strings.Contains(string(ev.Data()), `"userNotFound":true`)
	})
}

func TestAdministratorCreatesAUser(t *testing.T) {
	t.Parallel()
	s := start(t)
	inbox := s.subscribe(t)
	p := s.newPerson(t)
	must(p.c.cognito.AdminCreateUser(t.Context(), &cognito.AdminCreateUserInput{
		UserPoolId: s.pool(), Username: &p.Email, MessageAction: types.MessageActionTypeSuppress,
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &p.Email}},
	}))(t)
	inbox.wait(t, 1, func(ev event.Event) bool {
		return ev.Type() == contracts.TypeSignupAllowed && strings.Contains(string(ev.Data()), p.domain) &&
			strings.Contains(string(ev.Data()), `"via":"admin"`) && contracts.ClientID(ev) == ""
	})
}

// barrier waits for an event that was caused after everything before it.
func (s *system) barrier(t *testing.T, in inbox) {
	t.Helper()
	p := s.member(t)
	p.signIn(t)
	in.wait(t, 1, of(contracts.TypeSigninSucceeded, p.Sub))
}

func exactly(t *testing.T, in inbox, n int, match func(event.Event) bool) {
	t.Helper()
	if found := in.find(t, match); len(found) != n {
		t.Errorf("%d events, want %d", len(found), n)
	}
}
