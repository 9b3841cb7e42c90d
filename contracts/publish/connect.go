package publish

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go/middleware"
)

// warmTimeout bounds the request that opens the connection during init.
const warmTimeout = 300 * time.Millisecond

// Config is what a function's environment says about where events go.
type Config struct {
	Environment string // GATEHOUSE_ENVIRONMENT, e.g. production
	Region      string // AWS_REGION
	TopicARN    string // TOPIC_ARN
	OutboxURL   string // OUTBOX_URL
	Endpoint    string // AWS_ENDPOINT_URL, the SDKs' own override; usually empty
}

// ConfigFromEnv reads a Config and names the first variable that is missing.
func ConfigFromEnv(getenv func(string) string) (Config, error) {
	c := Config{Endpoint: getenv("AWS_ENDPOINT_URL")}
	for _, v := range []struct {
		name  string
		field *string
	}{
		{"AWS_REGION", &c.Region}, {"GATEHOUSE_ENVIRONMENT", &c.Environment},
		{"OUTBOX_URL", &c.OutboxURL}, {"TOPIC_ARN", &c.TopicARN},
	} {
		if *v.field = getenv(v.name); *v.field == "" {
			return Config{}, fmt.Errorf("publish: environment variable %s is not set", v.name)
		}
	}
	return c, nil
}

// Connect makes a Publisher with clients put together by hand: config.LoadDefaultConfig
// would link the whole credential chain, of which a function needs only its environment.
// It opens the connection to the topic before the first event, as far as that
// succeeds within 300 ms, so that the first sign-in does not pay for it.
func Connect(ctx context.Context, c Config, getenv func(string) string, log *slog.Logger) *Publisher {
	client := newClient()
	credentials := fromEnv(getenv)
	topic, outbox := topicEndpoint(ctx, c), (*string)(nil)
	if c.Endpoint != "" {
		outbox = &c.Endpoint
	}
	warm(ctx, client, aws.ToString(topic))
	return &Publisher{
		Topic: sns.New(sns.Options{
			Region: c.Region, BaseEndpoint: topic, HTTPClient: client,
			Credentials: credentials, Retryer: aws.NopRetryer{},
			APIOptions: []func(*middleware.Stack) error{slim},
		}),
		TopicARN: c.TopicARN,
		Outbox: sqs.New(sqs.Options{
			Region: c.Region, BaseEndpoint: outbox, HTTPClient: client,
			Credentials: credentials, Retryer: aws.NopRetryer{},
		}),
		OutboxURL: c.OutboxURL, Environment: c.Environment,
		Log: log, Out: os.Stdout, Now: time.Now,
	}
}

// topicEndpoint asks the SDK's rules once where the topic is; told the answer, it
// need not go through them for every event. Where they give none, it does.
func topicEndpoint(ctx context.Context, c Config) *string {
	if c.Endpoint != "" {
		return &c.Endpoint
	}
	ep, err := sns.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, sns.EndpointParameters{
		Region: aws.String(c.Region), UseDualStack: aws.Bool(false), UseFIPS: aws.Bool(false),
	})
	if err != nil {
		return nil
	}
	return aws.String(ep.URI.String())
}

// fromEnv provides the credentials that Lambda puts into the environment.
func fromEnv(getenv func(string) string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{
			AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    getenv("AWS_SESSION_TOKEN"),
			Source:          "environment",
		}, nil
	})
}

// warm opens the connection that the first Publish will use. It may fail:
// then the first Publish opens its own.
func warm(ctx context.Context, client client, url string) {
	ctx, cancel := context.WithTimeout(ctx, warmTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		return
	}
	// The connection is reused only when the answer was read to its end.
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	_ = resp.Body.Close()
}
