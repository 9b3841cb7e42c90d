// Command metrics counts the events of its queue.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/user-events/internal/metrics"
)

func main() {
	function.Main(build, func(c *metrics.Counter) lambda.Handler { return function.JSON(c.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*metrics.Counter, error) {
	var environment, letters, table string
	if err := function.ReadEnv(getenv, map[string]*string{"DEAD_LETTER_QUEUE_URL": &letters, "GATEHOUSE_ENVIRONMENT": &environment, "LEDGER_TABLE": &table}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &metrics.Counter{
		Ledger:      &metrics.Ledger{Table: dynamodb.NewFromConfig(cfg), Name: table},
		Dead:        &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: letters},
		Environment: environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
