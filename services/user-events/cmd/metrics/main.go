// Command metrics counts the events of its queue.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/user-events/internal/metrics"
	"gatehouse.example/services/user-events/internal/otlp"
	"gatehouse.example/services/user-events/internal/userrows"
)

func main() {
	function.Main(build, func(c *metrics.Counter) lambda.Handler { return function.JSON(c.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*metrics.Counter, error) {
	var environment, letters, perHour, ledger string
	if err := function.ReadEnv(getenv, map[string]*string{
		"CLIENT_TOKENS_PER_HOUR": &perHour, "DEAD_LETTER_QUEUE_URL": &letters, "GATEHOUSE_ENVIRONMENT": &environment, "LEDGER_TABLE": &ledger,
	}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	budget, err := strconv.Atoi(perHour)
	if err != nil {
		return nil, fmt.Errorf("CLIENT_TOKENS_PER_HOUR: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	table, process := dynamodb.NewFromConfig(cfg), rand.Text()[:8]
	return &metrics.Counter{
		Exporter:    exporter(getenv("OTLP_METRICS_URL"), environment, process, cfg),
		Ledger:      &metrics.Ledger{Table: table, Name: ledger},
		Users:       &userrows.Rows{Table: table, Name: ledger, Pool: cognito.NewFromConfig(cfg), Now: time.Now},
		Budget:      &metrics.TokenBudget{Counts: &metrics.Counts{Table: table, Name: ledger, Process: process}, PerHour: budget, Now: time.Now},
		Dead:        &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: letters},
		Environment: environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}

// exporter sends the counts to an endpoint; without one it is nil. AWS_ENDPOINT_URL replaces
// the host, as for the SDK's clients.
func exporter(endpoint, environment, process string, cfg aws.Config) metrics.Exporter {
	if endpoint == "" {
		return nil
	}
	if cfg.BaseEndpoint != nil {
		endpoint = strings.TrimSuffix(*cfg.BaseEndpoint, "/") + otlp.Path
	}
	return &otlp.Exporter{
		URL: endpoint, Region: cfg.Region, Credentials: cfg.Credentials, Client: &http.Client{}, Environment: environment, Instance: process,
	}
}
