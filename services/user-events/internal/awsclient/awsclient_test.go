package awsclient_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"gatehouse.example/services/user-events/internal/awsclient"
)

// Calls work with and without a trace, and nobody listens where the X-Ray daemon should.
func TestLoad_tracing_never_hurts(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		_, _ = w.Write([]byte("{}"))
	}))
	t.Cleanup(server.Close)
	for name, value := range map[string]string{
		"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_ENDPOINT_URL": server.URL, "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:9", "LAMBDA_TASK_ROOT": "/var/task",
	} {
		t.Setenv(name, value)
	}
	cfg, err := awsclient.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := dynamodb.NewFromConfig(cfg)
	//nolint:staticcheck // aws-lambda-go puts the header under this plain string
	traced := context.WithValue(t.Context(), "x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
	for name, ctx := range map[string]context.Context{"without_trace": t.Context(), "with_trace": traced} {
		ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, err := client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: aws.String("ledger"), Item: map[string]types.AttributeValue{"event": &types.AttributeValueMemberS{Value: "x"}},
		})
		cancel()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
