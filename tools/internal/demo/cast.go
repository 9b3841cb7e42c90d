package demo

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/cloudevents/sdk-go/v2/event"
)

const (
	right = "Correct-horse-7-battery"
	wrong = "Wrong-horse-7-battery"
	// code is what the emulator always mails.
	code = "123456"
)

// pool is what a person does with Cognito.
type pool interface {
	SignUp(context.Context, *cognito.SignUpInput, ...func(*cognito.Options)) (*cognito.SignUpOutput, error)
	ConfirmSignUp(context.Context, *cognito.ConfirmSignUpInput, ...func(*cognito.Options)) (*cognito.ConfirmSignUpOutput, error)
	InitiateAuth(context.Context, *cognito.InitiateAuthInput, ...func(*cognito.Options)) (*cognito.InitiateAuthOutput, error)
}

// cast is who plays: one person under two addresses, a guest and a machine, and
// what they meet.
type cast struct {
	disposable, person *person
	guest              *guest
	machine            *machine
	api                *api
	traces             tracer
}

func newCast(c clients, env environment) *cast {
	disposable, own := newPeople(c.cognito, env.nativeClientID)
	return &cast{
		disposable: disposable, person: own,
		guest:   newGuest(c.base, env),
		machine: &machine{clientID: env.machineClientID, secret: env.machineClientSecret, origin: env.hostedUIURL},
		api:     &api{url: env.apiURL, http: &http.Client{Timeout: limit}},
		traces:  xrayTracer{c.xray},
	}
}

// person is somebody with an address and, once Cognito gave them, a sub and an
// ID token.
type person struct {
	pool     pool
	clientID string
	email    string
	sub      string
	idToken  string
}

// newPeople draws fresh addresses, so that the demo can be played again.
func newPeople(p pool, clientID string) (disposable, own *person) {
	name := "erika." + strings.ToLower(rand.Text()[:8])
	return &person{pool: p, clientID: clientID, email: name + "@mailinator.com"},
		&person{pool: p, clientID: clientID, email: name + "@example.net"}
}

func (p *person) signUp(ctx context.Context) error {
	out, err := p.pool.SignUp(ctx, &cognito.SignUpInput{
		ClientId: &p.clientID, Username: &p.email, Password: aws.String(right),
		UserAttributes: []types.AttributeType{{Name: aws.String("email"), Value: &p.email}},
	})
	if err != nil {
		return fmt.Errorf("cognito.SignUp: %w", err)
	}
	p.sub = aws.ToString(out.UserSub)
	return nil
}

func (p *person) confirm(ctx context.Context) error {
	_, err := p.pool.ConfirmSignUp(ctx, &cognito.ConfirmSignUpInput{
		ClientId: &p.clientID, Username: &p.email, ConfirmationCode: aws.String(code),
	})
	if err != nil {
		return fmt.Errorf("cognito.ConfirmSignUp: %w", err)
	}
	return nil
}

func (p *person) signIn(ctx context.Context, password string) (*types.AuthenticationResultType, error) {
	out, err := p.pool.InitiateAuth(ctx, &cognito.InitiateAuthInput{
		ClientId: &p.clientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": p.email, "PASSWORD": password},
	})
	if err != nil {
		return nil, fmt.Errorf("cognito.InitiateAuth: %w", err)
	}
	if out.AuthenticationResult == nil {
		return nil, fmt.Errorf("cognito.InitiateAuth: no tokens but the challenge %q", out.ChallengeName)
	}
	p.idToken = aws.ToString(out.AuthenticationResult.IdToken)
	return out.AuthenticationResult, nil
}

// caused recognises an event of this person: by the sub or, where the event has
// none because there is no user yet, by the domain of the address.
func (p *person) caused(ev event.Event) bool {
	_, domain, _ := strings.Cut(p.email, "@")
	var data struct {
		Domain string `json:"domain"`
	}
	_ = json.Unmarshal(ev.Data(), &data) // data without a domain leaves it empty
	return p.sub != "" && ev.Subject() == p.sub || data.Domain == domain
}
