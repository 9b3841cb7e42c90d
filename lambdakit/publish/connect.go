package publish

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/function"
)

// Config is what a function's environment says about where events go.
type Config struct {
	Environment string // GATEHOUSE_ENVIRONMENT, for example production
	TopicARN    string // TOPIC_ARN
	OutboxURL   string // OUTBOX_URL

	region         string
	credentials    aws.Credentials
	topicEndpoint  *string
	outboxEndpoint *string
	anyEndpoint    *string
	fips           aws.FIPSEndpointState
	dualStack      aws.DualStackEndpointState
	machineRoots   bool
}

// ConfigFromEnv reads a Config and names the first variable that is missing. It
// reads the variables that all AWS SDKs share, in the same way; the SDK's own
// reader would link the whole credential chain. Lambda does not change the
// credentials during a process's life, so they are read once.
func ConfigFromEnv(getenv func(string) string) (Config, error) {
	c := Config{
		credentials: aws.Credentials{
			AccessKeyID:     getenv("AWS_ACCESS_KEY_ID"),
			SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken:    getenv("AWS_SESSION_TOKEN"),
			Source:          "environment",
		},
		topicEndpoint:  endpoint(getenv, "AWS_ENDPOINT_URL_SNS"),
		outboxEndpoint: endpoint(getenv, "AWS_ENDPOINT_URL_SQS"),
		anyEndpoint:    endpoint(getenv, "AWS_ENDPOINT_URL"),
		// Whoever sets these names the roots that count.
		machineRoots: getenv("SSL_CERT_FILE") != "" || getenv("SSL_CERT_DIR") != "",
	}
	if err := function.ReadEnv(getenv, map[string]*string{
		"AWS_REGION": &c.region, "GATEHOUSE_ENVIRONMENT": &c.Environment, "OUTBOX_URL": &c.OutboxURL, "TOPIC_ARN": &c.TopicARN,
	}); err != nil {
		return Config{}, fmt.Errorf("publish: %w", err)
	}
	fips, err := isTrue(getenv, "AWS_USE_FIPS_ENDPOINT")
	if err != nil {
		return Config{}, err
	}
	if fips {
		c.fips = aws.FIPSEndpointStateEnabled
	}
	dualStack, err := isTrue(getenv, "AWS_USE_DUALSTACK_ENDPOINT")
	if err != nil {
		return Config{}, err
	}
	if dualStack {
		c.dualStack = aws.DualStackEndpointStateEnabled
	}
	return c, nil
}

// endpoint is the URL for one service or for all, and nil for AWS's own.
func endpoint(getenv func(string) string, ofService string) *string {
	if url := cmp.Or(getenv(ofService), getenv("AWS_ENDPOINT_URL")); url != "" {
		return &url
	}
	return nil
}

func isTrue(getenv func(string) string, name string) (bool, error) {
	switch strings.ToLower(getenv(name)) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, fmt.Errorf("publish: environment variable %s is neither true nor false", name)
}

// Connect makes a Publisher. It opens the connection to the topic before the
// first event, if that succeeds within 300 ms, so that the first sign-in does
// not wait for it.
func Connect(ctx context.Context, c Config, log *slog.Logger) *Publisher {
	return connect(ctx, c, newHTTPClient(c.machineRoots), log)
}

// AWS is the configuration for further clients of a trigger. It links no chain of
// credentials, and makes one attempt for each call.
func (c Config) AWS() aws.Config {
	cfg := c.aws(newHTTPClient(c.machineRoots))
	cfg.BaseEndpoint = c.anyEndpoint
	cfg.ConfigSources = []any{endpointKinds{c.fips, c.dualStack}}
	return cfg
}

// endpointKinds is how the SDK's clients ask for these two settings.
type endpointKinds struct {
	fips      aws.FIPSEndpointState
	dualStack aws.DualStackEndpointState
}

// GetUseFIPSEndpoint is asked for by the SDK.
func (k endpointKinds) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	return k.fips, true, nil
}

// GetUseDualStackEndpoint is asked for by the SDK.
func (k endpointKinds) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	return k.dualStack, true, nil
}

func (c Config) aws(client httpClient) aws.Config {
	return aws.Config{
		Region: c.region, HTTPClient: client,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return c.credentials, nil }),
		// The caller makes the attempts, with time limits of its own.
		Retryer: func() aws.Retryer { return aws.NopRetryer{} },
	}
}

func connect(ctx context.Context, c Config, client httpClient, log *slog.Logger) *Publisher {
	cfg := c.aws(client)
	topic := sns.NewFromConfig(cfg, func(o *sns.Options) {
		o.EndpointResolverV2 = &resolved[sns.EndpointParameters]{resolver: sns.NewDefaultEndpointResolverV2()}
		o.BaseEndpoint = c.topicEndpoint
		o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = c.fips, c.dualStack
	})
	outbox := sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		o.EndpointResolverV2 = &resolved[sqs.EndpointParameters]{resolver: sqs.NewDefaultEndpointResolverV2()}
		o.BaseEndpoint = c.outboxEndpoint
		o.EndpointOptions.UseFIPSEndpoint, o.EndpointOptions.UseDualStackEndpoint = c.fips, c.dualStack
	})
	warm(ctx, client, topic.Options())
	return &Publisher{
		Topic: topic, TopicARN: c.TopicARN, Outbox: outbox, OutboxURL: c.OutboxURL,
		Environment: c.Environment, Log: log, Out: os.Stdout, Now: time.Now,
	}
}

// warmTimeout bounds the request that opens the connection during init.
const warmTimeout = 300 * time.Millisecond

// warm opens the connection that the first Publish will use. If it fails, the
// first Publish opens its own.
func warm(ctx context.Context, client httpClient, o sns.Options) {
	ctx, cancel := context.WithTimeout(ctx, warmTimeout)
	defer cancel()
	topic, err := o.EndpointResolverV2.ResolveEndpoint(ctx, sns.EndpointParameters{
		Region: &o.Region, Endpoint: o.BaseEndpoint,
		UseFIPS:      aws.Bool(o.EndpointOptions.UseFIPSEndpoint == aws.FIPSEndpointStateEnabled),
		UseDualStack: aws.Bool(o.EndpointOptions.UseDualStackEndpoint == aws.DualStackEndpointStateEnabled),
	})
	if err != nil {
		return
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, topic.URI.String(), http.NoBody)
	if err != nil {
		return
	}
	if resp, err := client.Do(req); err == nil {
		// The connection is used again only if the answer was read to its end.
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
	}
}
