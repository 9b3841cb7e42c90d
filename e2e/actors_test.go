package e2e

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/google/uuid"
)

const (
	password = "Correct-horse-7-battery"
	// signUpCode and resetCode are what the emulator always sends.
	signUpCode = "123456"
	resetCode  = "654321"
)

// person is somebody who signs up with a fresh address.
type person struct {
	s      *system
	c      clients
	local  string // of the address: must never show up anywhere
	email  string
	sub    string
	domain string
}

// newPerson has an address of a domain that no other test uses.
func (s *system) newPerson(t *testing.T) *person {
	t.Helper()
	id := uuid.NewString()
	p := &person{s: s, c: s.clients(t), local: "erika." + id[:8], domain: "d" + id[:8] + ".example.net"}
	p.email = p.local + "@" + p.domain
	return p
}

func (p *person) signUp(t *testing.T) {
	t.Helper()
	out := must(p.trySignUp(t))(t)
	p.sub = aws.ToString(out.UserSub)
}

func (p *person) trySignUp(t *testing.T) (*cognito.SignUpOutput, error) {
	t.Helper()
	return p.c.cognito.SignUp(t.Context(), &cognito.SignUpInput{
		ClientId: p.s.nativeClient(), Username: &p.email, Password: aws.String(password),
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &p.email}},
		ClientMetadata: map[string]string{"secret": "client-metadata-" + p.local},
	})
}

func (p *person) confirm(t *testing.T) {
	t.Helper()
	if err := p.tryConfirm(t); err != nil {
		t.Fatal(err)
	}
}

func (p *person) tryConfirm(t *testing.T) error {
	t.Helper()
	_, err := p.c.cognito.ConfirmSignUp(t.Context(), &cognito.ConfirmSignUpInput{
		ClientId: p.s.nativeClient(), Username: &p.email, ConfirmationCode: aws.String(signUpCode),
	})
	return err
}

func (p *person) signIn(t *testing.T, password string) (*cognito.InitiateAuthOutput, error) {
	t.Helper()
	return p.c.cognito.InitiateAuth(t.Context(), &cognito.InitiateAuthInput{
		ClientId: p.s.nativeClient(), AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": p.email, "PASSWORD": password},
		ClientMetadata: map[string]string{"secret": "client-metadata-" + p.local},
	})
}

// member signs up and confirms.
func (s *system) member(t *testing.T) *person {
	t.Helper()
	p := s.newPerson(t)
	p.signUp(t)
	p.confirm(t)
	return p
}
