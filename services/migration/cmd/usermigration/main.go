// Command usermigration is the UserMigration trigger of a user pool: it lets people of an
// old system in, with the passwords that they have there.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/services/migration/internal/usermigration"
)

func main() { function.Main(build, func(h *usermigration.Handler) lambda.Handler { return h }) }

func build(_ context.Context, getenv func(string) string, log *slog.Logger) (*usermigration.Handler, error) {
	var environment, source, table, secretName, queue, region, perAddress, total, floor string
	if err := function.ReadEnv(getenv, map[string]*string{
		"ANNOUNCER_QUEUE_URL": &queue, "AWS_REGION": &region, "GATEHOUSE_ENVIRONMENT": &environment, "MIGRATION_TABLE": &table,
		"OLD_SYSTEM": &source, "REFUSE_AFTER_MS": &floor, "SECRET_NAME": &secretName, "TRIES_PER_ADDRESS": &perAddress, "TRIES_PER_MINUTE": &total,
	}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	numbers := [3]int{}
	for i, s := range []string{perAddress, total, floor} {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			return nil, errors.New("TRIES_PER_ADDRESS, TRIES_PER_MINUTE or REFUSE_AFTER_MS is not a positive number")
		}
		numbers[i] = n
	}
	cfg := config(getenv, region)
	db := dynamodb.NewFromConfig(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = endpoint(getenv, "AWS_ENDPOINT_URL_DYNAMODB") })
	secret := &usermigration.Secret{Name: secretName, Now: time.Now,
		Secrets: secretsmanager.NewFromConfig(cfg, func(o *secretsmanager.Options) { o.BaseEndpoint = endpoint(getenv, "AWS_ENDPOINT_URL_SECRETS_MANAGER") })}
	h := &usermigration.Handler{
		Limiter: &usermigration.Limit{DynamoDB: db, Name: table, PerAddress: numbers[0], Total: numbers[1], Key: secret.Value, Now: time.Now},
		Announcer: &usermigration.Mailbox{URL: queue,
			Queue: sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = endpoint(getenv, "AWS_ENDPOINT_URL_SQS") })},
		Floor: time.Duration(numbers[2]) * time.Millisecond, Environment: environment, Out: os.Stdout, Log: log, Now: time.Now,
	}
	if source == "table" {
		h.Source = &usermigration.Table{DynamoDB: db, Name: table}
		return h, nil
	}
	asked, err := usermigration.NewEndpoint(source, secret.Value, time.Now)
	if err != nil {
		return nil, fmt.Errorf("OLD_SYSTEM: %w", err)
	}
	h.Source = asked
	return h, nil
}

// config is written by hand: the SDK's own would link the whole credential chain. Lambda
// does not change the credentials during a process's life, so they are read once.
func config(getenv func(string) string, region string) aws.Config {
	credentials := aws.Credentials{
		AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"), SessionToken: getenv("AWS_SESSION_TOKEN"),
		Source: "environment",
	}
	return aws.Config{
		Region:      region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return credentials, nil }),
		HTTPClient:  client{awshttp.NewBuildableClient()},
		Retryer: func() aws.Retryer {
			return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = 2, 50*time.Millisecond })
		},
	}
}

// client is the SDK's own, without redirects.
type client struct{ aws.HTTPClient }

// Do sends a request with its body in memory.
func (c client) Do(req *http.Request) (*http.Response, error) {
	req, err := function.InMemory(req)
	if err != nil {
		return nil, fmt.Errorf("function.InMemory: %w", err)
	}
	// With it the client would follow a redirect, and send a signed call to another host.
	req.GetBody = nil
	return c.HTTPClient.Do(req)
}

// endpoint is the URL for one service or for all, and nil for AWS's own.
func endpoint(getenv func(string) string, ofService string) *string {
	if url := cmp.Or(getenv(ofService), getenv("AWS_ENDPOINT_URL")); url != "" {
		return &url
	}
	return nil
}
