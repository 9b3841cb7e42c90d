package integration

import (
	"context"
	"testing"
	"time"

	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/cloudevents/sdk-go/v2/event"

	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/tools/actors"
)

// stranger is a synthetic user without an account, until the test ends.
func (e *environment) stranger(t *testing.T) *actors.Person {
	t.Helper()
	return e.withAddress(t, actors.SyntheticAddress(actors.NewID(time.Now())))
}

func (e *environment) withAddress(t *testing.T, email string) *actors.Person {
	t.Helper()
	p := &actors.Person{
		Pool:   cognito.NewFromConfig(e.cfg, actors.OnceOnly),
		PoolID: e.of(t, "platform/user-pool-id"), ClientID: e.of(t, "platform/native-client-id"),
		Email: email, Password: actors.NewPassword(),
	}
	afterwards(t, p.Delete)
	return p
}

// member has a confirmed account, until the test ends.
func (e *environment) member(t *testing.T) *actors.Person {
	t.Helper()
	p := e.stranger(t)
	if err := p.SignUp(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.AdminConfirm(t.Context()); err != nil {
		t.Fatal(err)
	}
	return p
}

// signedIn is a member with tokens.
func (e *environment) signedIn(t *testing.T) *actors.Person {
	t.Helper()
	p := e.member(t)
	must(p.SignIn(t.Context(), p.Password))(t)
	return p
}

// subscribe opens an inbox with a filter, until the test ends.
func (e *environment) subscribe(t *testing.T, filter string) *actors.Inbox {
	t.Helper()
	in := &actors.Inbox{
		Queues: sqs.NewFromConfig(e.cfg), Topics: sns.NewFromConfig(e.cfg), TopicARN: e.of(t, "user-events/topic-arn"),
		Name: actors.QueuePrefix(e.name) + actors.NewID(time.Now()), Filter: filter,
	}
	collecting, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	afterwards(t, func(ctx context.Context) error {
		stop()
		<-done
		return in.Close(ctx)
	})
	if err := in.Open(t.Context()); err != nil {
		close(done)
		t.Fatal(err)
	}
	go func() { defer close(done); in.Collect(collecting) }()
	return in
}

func everything(event.Event) bool { return true }
