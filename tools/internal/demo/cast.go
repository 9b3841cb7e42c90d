package demo

import (
	"context"
	"crypto/rand"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"

	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/trace"
)

const (
	right = "Correct-horse-7-battery"
	// code is what the emulator always mails.
	code = "123456"
)

// cast is who takes part: one person under two addresses, a guest and a machine,
// and what they call.
type cast struct {
	disposable, person *actors.Person
	guest              guest
	machine            *actors.Machine
	api                *actors.API
	traces             tracer
}

func newCast(pool actors.UserPool, cfg aws.Config, env actors.Env) *cast {
	disposable, own := newPeople(pool, env["NATIVE_CLIENT_ID"])
	return &cast{
		disposable: disposable, person: own,
		guest: newGuest(cfg, env),
		machine: &actors.Machine{
			ClientID: env["MACHINE_CLIENT_ID"], Secret: env["MACHINE_CLIENT_SECRET"], Origin: env["HOSTED_UI_URL"], Scopes: []string{"gatehouse/client"},
		},
		api:    &actors.API{URL: env["API_URL"], HTTP: &http.Client{Timeout: limit}},
		traces: xrayTracer{xray.NewFromConfig(cfg)},
	}
}

// newPeople draws new addresses, so that the demo can run again.
func newPeople(p actors.UserPool, clientID string) (disposable, own *actors.Person) {
	name := "erika." + strings.ToLower(rand.Text()[:8])
	return &actors.Person{Pool: p, ClientID: clientID, Email: name + "@mailinator.com", Password: right},
		&actors.Person{Pool: p, ClientID: clientID, Email: name + "@example.net", Password: right}
}

// guest is an app on a phone before anybody has signed in.
type guest struct {
	actors.Guest
	queueURL, topicARN string
	event              string // its name, which no earlier demo used
}

func newGuest(cfg aws.Config, env actors.Env) guest {
	return guest{
		Guest:    actors.Guest{Base: cfg, IdentityPoolID: env["IDENTITY_POOL_ID"]},
		queueURL: env["CLIENT_EVENTS_GUEST_QUEUE_URL"], topicARN: env["TOPIC_ARN"],
		event: "demo.opened-" + strings.ToLower(rand.Text()[:8]),
	}
}

// tracer shows traces.
type tracer interface {
	// show waits for the trace of that id and draws it.
	show(ctx context.Context, id string) (string, error)
}

// xrayTracer shows them as `gatehouse trace show` does.
type xrayTracer struct{ client *xray.Client }

func (x xrayTracer) show(ctx context.Context, id string) (string, error) {
	var b strings.Builder
	err := trace.Show(ctx, &b, x.client, id, limit)
	return b.String(), err
}

const (
	// limit is how long anything may take. It is generous, for the demo may run on a
	// machine that is still busy with the deployment.
	limit = 60 * time.Second
	// every is the time between two requests.
	every = 250 * time.Millisecond
)
