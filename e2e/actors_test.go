package e2e

import (
	"context"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"

	"gatehouse.example/tools/actors"
)

const (
	password = "Correct-horse-7-battery"
	// signUpCode and resetCode are what the emulator always sends.
	signUpCode = "123456"
	resetCode  = "654321"
)

// clients are plain SDK clients, configured from the env file alone.
type clients struct {
	cloudformation *cloudformation.Client
	cloudwatch     *cloudwatch.Client
	cognito        *cognito.Client
	dynamodb       *dynamodb.Client
	events         *eventbridge.Client
	lambda         *lambda.Client
	logs           *cloudwatchlogs.Client
	sns            *sns.Client
	sqs            *sqs.Client
}

func (s *system) clients(t *testing.T) clients {
	t.Helper()
	cfg := s.env.Config()
	return clients{
		cloudformation: cloudformation.NewFromConfig(cfg),
		cloudwatch:     cloudwatch.NewFromConfig(cfg),
		cognito:        cognito.NewFromConfig(cfg, actors.OnceOnly),
		dynamodb:       dynamodb.NewFromConfig(cfg),
		events:         eventbridge.NewFromConfig(cfg),
		lambda:         lambda.NewFromConfig(cfg),
		logs:           cloudwatchlogs.NewFromConfig(cfg),
		sns:            sns.NewFromConfig(cfg),
		sqs:            sqs.NewFromConfig(cfg),
	}
}

// person is somebody with a new address of a domain that no other test uses.
type person struct {
	*actors.Person
	s *system
	c clients
	// local is the local part of the address, which must never appear anywhere.
	local, domain string
}

// newPerson has no account yet.
func (s *system) newPerson(t *testing.T) *person {
	t.Helper()
	id := uuid.NewString()
	p := &person{s: s, c: s.clients(t), local: "erika." + id[:8], domain: "d" + id[:8] + ".example"}
	p.Person = &actors.Person{
		Pool: p.c.cognito, PoolID: s.env["USER_POOL_ID"], ClientID: s.env["NATIVE_CLIENT_ID"],
		Email: p.local + "@" + p.domain, Password: password, Metadata: map[string]string{"secret": "client-metadata-" + p.local},
	}
	return p
}

// member signs up and confirms.
func (s *system) member(t *testing.T) *person {
	t.Helper()
	p := s.newPerson(t)
	p.signUp(t)
	p.confirm(t)
	return p
}

func (p *person) signUp(t *testing.T) {
	t.Helper()
	check(t, p.SignUp(t.Context()))
}

func (p *person) confirm(t *testing.T) {
	t.Helper()
	check(t, p.Confirm(t.Context(), signUpCode))
}

func (p *person) signIn(t *testing.T) {
	t.Helper()
	check(t, p.SignInByPassword(t.Context(), password))
}

// tokens are those of one sign-in.
type tokens struct{ id, access, refresh string }

// tokens signs in.
func (p *person) tokens(t *testing.T) tokens {
	t.Helper()
	p.signIn(t)
	return tokens{p.IDToken, p.AccessToken, p.RefreshToken}
}

// inbox is a queue that is subscribed to the topic until the test ends.
type inbox struct{ *actors.Inbox }

func (s *system) subscribe(t *testing.T) inbox {
	t.Helper()
	c := s.clients(t)
	in := inbox{&actors.Inbox{Queues: c.sqs, Topics: c.sns, Name: "e2e-" + uuid.NewString(), TopicARN: s.env["TOPIC_ARN"]}}
	collecting, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	t.Cleanup(func() {
		stop()
		<-done
		if err := in.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	if err := in.Open(t.Context()); err != nil {
		close(done)
		t.Fatal(err)
	}
	go func() { defer close(done); in.Collect(collecting) }()
	return in
}

// wait returns the events that match, once there are n.
func (in inbox) wait(t *testing.T, n int, match func(event.Event) bool) []actors.Arrival {
	t.Helper()
	return must(in.Wait(t.Context(), quiet, limit, n, match))(t)
}

// find returns what matches so far.
func (in inbox) find(t *testing.T, match func(event.Event) bool) []actors.Arrival {
	t.Helper()
	return must(in.Find(match))(t)
}

// of matches events of a type about a user.
func of(typ, sub string) func(event.Event) bool {
	return func(ev event.Event) bool { return ev.Type() == typ && ev.Subject() == sub }
}

func (s *system) api() *actors.API {
	return &actors.API{URL: s.env["API_URL"], HTTP: http.DefaultClient}
}

// ask calls the API with a token, or without one, and returns status and body.
func (s *system) ask(t *testing.T, path, token string) (int, string) {
	t.Helper()
	answer := must(s.api().Get(t.Context(), path, token))(t)
	return answer.Status, string(answer.Body)
}

// machine is the program that has the machine client, for the scopes that are given.
func (s *system) machine(scopes ...string) *actors.Machine {
	return &actors.Machine{
		ClientID: s.env["MACHINE_CLIENT_ID"], Secret: s.env["MACHINE_CLIENT_SECRET"], Origin: s.env["HOSTED_UI_URL"], Scopes: scopes,
	}
}

func (s *system) pool() *string         { id := s.env["USER_POOL_ID"]; return &id }
func (s *system) nativeClient() *string { id := s.env["NATIVE_CLIENT_ID"]; return &id }
