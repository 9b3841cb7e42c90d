// Package canary is `gatehouse canary`: a synthetic user signs up and in in a
// deployed environment, and the canary waits for every event, audit row and metric
// that this has to cause.
//
// It exists because without traffic a broken deployment looks healthy. It uses only the
// APIs that people and other teams use, so it runs on AWS as it does locally, and its
// events are marked synthetic (docs/adr/0017).
package canary

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/spf13/cobra"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// options are the flags.
type options struct {
	environment, junit string
	timeout, limit     time.Duration
}

// Command is `gatehouse canary`.
func Command() *cobra.Command {
	var o options
	cmd := &cobra.Command{
		Use:   "canary",
		Short: "Sign a synthetic user up and in, and check that every event, row and metric arrives",
		Long: `Signs up a synthetic user, confirms the account, enters a wrong password, signs in,
calls the API, and waits for every event, audit row and metric that this has to cause.
The user, a queue and its subscription are deleted at the end, also after a failure or
Ctrl-C. What a crash left is deleted by a run at least an hour later. What cannot be
deleted is reported, and is not a failure.

A step that is late is reported after 20 seconds, and fails after a minute at most. Only
the metric, and SNS with the filter of a new subscription, may take longer.

It uses the AWS configuration of the shell, on AWS as it does locally. What it causes is
marked synthetic and counted by the metric SyntheticEvents only.`,
		Example: `  . .local/env && gatehouse canary
  gatehouse canary --environment production --junit build/reports/canary.xml`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if o.environment, err = actors.Environment(o.environment); err != nil {
				return err
			}
			if o.timeout <= 0 || o.limit <= 0 {
				return errors.New("--timeout and --step must be positive, such as 5m and 50s")
			}
			return run(cmd, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.environment, "environment", "", "local, dev, test or production (default $GATEHOUSE_ENVIRONMENT)")
	f.DurationVar(&o.timeout, "timeout", 5*time.Minute, "how long the run may take before the clean-up; CloudWatch needs minutes on AWS")
	f.DurationVar(&o.limit, "step", 50*time.Second, "how long one step may take, such as an event until it arrives")
	f.StringVar(&o.junit, "junit", "", "also write the steps to this file, as JUnit XML")
	return cmd
}

func run(cmd *cobra.Command, o options) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), o.timeout)
	defer cancel()
	r := newReport(cmd.OutOrStdout(), o.environment)
	c := newCanary(r, o.timeout, o.limit)
	if r.step(ctx, "names", func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, o.limit)
		defer cancel()
		cfg, err := actors.Connect(ctx)
		if err != nil {
			return "", err
		}
		n, err := readNames(ctx, cfg, o.environment)
		if err != nil {
			return "", err
		}
		c.connect(cfg, n)
		return "of the stacks, in SSM", nil
	}) {
		c.walk(ctx)
	}
	if o.junit != "" {
		if err := r.writeJUnit(o.junit); err != nil {
			return fmt.Errorf("report.writeJUnit: %w", err)
		}
	}
	// An interruption is not a failed step.
	if err := cmd.Context().Err(); err != nil {
		return err
	}
	return r.summary()
}

func newCanary(r *report, timeout, limit time.Duration) *canary {
	now := time.Now()
	id := actors.NewID(now)
	return &canary{report: r, id: id, secret: actors.Secret(id), started: now, timeout: timeout, limit: limit}
}

// answerLimit is how long one answer of the API or the token endpoint may take:
// longer than API Gateway waits for a function.
const answerLimit = 35 * time.Second

// names are those of an environment's resources.
type names struct {
	environment                                    string
	apiURL, auditTable, hostedUIURL, machineClient string
	nativeClient, pool, resourceServer, topic      string
}

// readNames reads what the services wrote to SSM.
func readNames(ctx context.Context, cfg aws.Config, environment string) (names, error) {
	n := names{environment: environment}
	for _, p := range []struct {
		service, resource string
		to                *string
	}{
		{"api", "url", &n.apiURL},
		{"platform", "hosted-ui-url", &n.hostedUIURL},
		{"platform", "machine-client-id", &n.machineClient},
		{"platform", "native-client-id", &n.nativeClient},
		{"platform", "resource-server-id", &n.resourceServer},
		{"platform", "user-pool-id", &n.pool},
		{"signin-audit", "audit-table-name", &n.auditTable},
		{"user-events", "topic-arn", &n.topic},
	} {
		var err error
		if *p.to, err = actors.Parameter(ctx, cfg, environment, p.service, p.resource); err != nil {
			return names{}, err
		}
	}
	return n, nil
}

// services are what the canary calls.
type services struct {
	pool    actors.UserPool
	queues  actors.SweptQueues
	topics  actors.SweptTopics
	table   dynamodb.QueryAPIClient
	metrics actors.Statistics
	http    *http.Client
}

// connect gives the canary plain SDK clients: it uses no API of its own.
func (c *canary) connect(cfg aws.Config, n names) {
	c.use(services{
		pool: cognito.NewFromConfig(cfg), queues: sqs.NewFromConfig(cfg), topics: sns.NewFromConfig(cfg),
		table: dynamodb.NewFromConfig(cfg), metrics: cloudwatch.NewFromConfig(cfg), http: &http.Client{Timeout: answerLimit},
	}, n)
}

func (c *canary) use(s services, n names) {
	c.names = n
	c.aws = s
	c.person = &actors.Person{
		Pool: s.pool, PoolID: n.pool, ClientID: n.nativeClient, Email: actors.SyntheticAddress(c.secret), Password: actors.NewPassword(),
	}
	c.inbox = &actors.Inbox{
		Queues: s.queues, Topics: s.topics, TopicARN: n.topic, Name: actors.QueuePrefix(n.environment) + c.secret,
		Filter: `{"` + contracts.SyntheticExtension + `":["true"]}`,
	}
	c.api = &actors.API{URL: n.apiURL, HTTP: s.http}
	c.machine = &actors.Machine{ClientID: n.machineClient, Origin: n.hostedUIURL, Scopes: []string{n.resourceServer + "/client"}, HTTP: s.http}
	c.trail = &actors.Trail{Table: s.table, Name: n.auditTable}
	c.meter = actors.NewMeter(s.metrics, n.environment, c.started)
}
