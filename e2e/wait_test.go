package e2e

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
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
	cfg, err := config.LoadDefaultConfig(t.Context(),
		config.WithRegion(s.env["AWS_REGION"]),
		config.WithBaseEndpoint(s.env["AWS_ENDPOINT_URL"]),
		config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(
			s.env["AWS_ACCESS_KEY_ID"], s.env["AWS_SECRET_ACCESS_KEY"], s.env["AWS_SESSION_TOKEN"])),
	)
	if err != nil {
		t.Fatal(err)
	}
	return clients{
		cloudformation: cloudformation.NewFromConfig(cfg),
		cloudwatch:     cloudwatch.NewFromConfig(cfg),
		// A repeated sign-in would be a second act, so this client tries once.
		cognito:  cognito.NewFromConfig(cfg, func(o *cognito.Options) { o.RetryMaxAttempts = 1 }),
		dynamodb: dynamodb.NewFromConfig(cfg),
		events:   eventbridge.NewFromConfig(cfg),
		lambda:   lambda.NewFromConfig(cfg),
		logs:     cloudwatchlogs.NewFromConfig(cfg),
		sns:      sns.NewFromConfig(cfg),
		sqs:      sqs.NewFromConfig(cfg),
	}
}

// must turns a call's result and error into a result or a failed test:
// must(call())(t).
func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// eventually asks until the answer is yes, or fails after the limit.
func eventually(t *testing.T, limit time.Duration, what string, yes func() bool) {
	t.Helper()
	ask := time.NewTicker(200 * time.Millisecond)
	defer ask.Stop()
	deadline := time.After(limit)
	for !yes() {
		select {
		case <-ask.C:
		case <-deadline:
			t.Fatalf("not within %s: %s", limit, what)
		}
	}
}

func (s *system) pool() *string         { return aws.String(s.env["USER_POOL_ID"]) }
func (s *system) nativeClient() *string { return aws.String(s.env["NATIVE_CLIENT_ID"]) }
