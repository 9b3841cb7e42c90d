// Package demo signs one user up and in on a running local system, and shows what
// each step causes: an event, a metric and an audit row. It exists so that a
// newcomer sees in a minute what Gatehouse does. Like any client, it uses public
// APIs and the names in the env file only.
//
// The steps are data, in acts.go. The demo waits for everything with a deadline and
// ends with an error that names what is missing.
package demo

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/spf13/cobra"

	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/trace"
)

// cleanUpLimit bounds the removal of the queue after Ctrl-C.
const cleanUpLimit = 10 * time.Second

// Command is `gatehouse demo`.
func Command() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Sign a user up and in, and show what each step causes",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return run(cmd, dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", ".local", "folder of the running local system")
	return cmd
}

func run(cmd *cobra.Command, dir string) (err error) {
	ctx := cmd.Context()
	env, err := actors.ReadEnv(filepath.Join(dir, "env"), required()...)
	if err != nil {
		return fmt.Errorf("%w\nIs the system running? `make up` starts it", err)
	}
	cfg := env.Config()
	in := &actors.Inbox{
		Queues: sqs.NewFromConfig(cfg), Topics: sns.NewFromConfig(cfg), TopicARN: env["TOPIC_ARN"],
		Name: "gatehouse-demo-" + strings.ToLower(rand.Text()),
	}
	collecting, stop := context.WithCancel(ctx)
	var collector sync.WaitGroup
	defer func() {
		stop()
		collector.Wait()
		// The queue is deleted even when the demo was interrupted.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
		defer cancel()
		if closed := in.Close(ctx); closed != nil && err == nil {
			err = fmt.Errorf("actors.Inbox: %w", closed)
		}
	}()
	if err := in.Open(ctx); err != nil {
		return fmt.Errorf("actors.Inbox: %w", err)
	}
	collector.Go(func() { in.Collect(collecting) })
	p := newPrinter(cmd.OutOrStdout())
	s := &story{
		out: p, inbox: in,
		metrics: actors.NewMeter(cloudwatch.NewFromConfig(cfg), env["GATEHOUSE_ENVIRONMENT"], time.Now()),
		trail:   &actors.Trail{Table: dynamodb.NewFromConfig(cfg), Name: env["AUDIT_TABLE"]},
		cast:    newCast(cognito.NewFromConfig(cfg), cfg, env),
		limit:   limit,
	}
	if err := s.play(ctx, acts()); err != nil {
		return err
	}
	p.next(dir, s.cast.person.Sub, env)
	return nil
}

// required are the variables that the demo reads.
func required() []string {
	return []string{
		"API_URL", "AUDIT_TABLE", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL", "AWS_REGION", "AWS_SECRET_ACCESS_KEY",
		"CLIENT_EVENTS_GUEST_QUEUE_URL", "GATEHOUSE_ENVIRONMENT", "HOSTED_UI_URL", "IDENTITY_POOL_ID",
		"MACHINE_CLIENT_ID", "MACHINE_CLIENT_SECRET", "NATIVE_CLIENT_ID", "TOPIC_ARN", "USER_POOL_ID",
	}
}

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
	disposable, own := newPeople(pool, env)
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
func newPeople(p actors.UserPool, env actors.Env) (disposable, own *actors.Person) {
	name := "erika." + strings.ToLower(rand.Text()[:8])
	client, id := env["NATIVE_CLIENT_ID"], env["USER_POOL_ID"]
	return &actors.Person{Pool: p, PoolID: id, ClientID: client, Email: name + "@mailinator.com", Password: right},
		&actors.Person{Pool: p, PoolID: id, ClientID: client, Email: name + "@example.net", Password: right}
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
