package pipelines

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/google/uuid"

	"gatehouse.example/tools/actors"
)

// pace is the time between two sign-ups.
const pace = 150 * time.Millisecond

// people sign up in an environment, one after another, until end is called.
type people struct {
	stop context.CancelFunc
	done sync.WaitGroup
	// signedUp and failed are only read after end.
	signedUp int
	failed   []error
}

func (s *system) people(t *testing.T, environment string) *people {
	t.Helper()
	client := s.client(t, environment)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	p := &people{stop: stop}
	t.Cleanup(p.end)
	p.done.Go(func() {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				// Without the context, so that a pending answer still counts.
				if err := client.signUp(context.WithoutCancel(ctx)); err != nil {
					p.failed = append(p.failed, err)
				} else {
					p.signedUp++
				}
			}
		}
	})
	return p
}

func (p *people) end() {
	p.stop()
	p.done.Wait()
}

// client is an app of an environment.
type client struct {
	cognito *cognitoidentityprovider.Client
	id      string
}

func (s *system) client(t *testing.T, environment string) client {
	t.Helper()
	name := "/gatehouse/" + environment + "/platform/native-client-id"
	out := must(ssm.NewFromConfig(s.config()).GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name}))(t)
	return client{cognitoidentityprovider.NewFromConfig(s.config()), aws.ToString(out.Parameter.Value)}
}

func (c client) signUp(ctx context.Context) error {
	p := actors.Person{Pool: c.cognito, ClientID: c.id, Email: "person-" + uuid.NewString() + "@example.net", Password: actors.NewPassword()}
	return p.SignUp(ctx)
}
