// Command metrics counts the events of its queue.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"gatehouse.example/contracts/tracing"
	"gatehouse.example/services/user-events/internal/count"
	"gatehouse.example/services/user-events/internal/env"
	"gatehouse.example/services/user-events/internal/ledger"
)

func main() {
	log := lambdacontext.NewLogger()
	app, err := realMain(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("function cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(app.Handle)
}

func realMain(ctx context.Context, getenv func(string) string, log *slog.Logger) (*count.Counter, error) {
	var environment, table string
	if err := env.Read(getenv, map[string]*string{"GATEHOUSE_ENVIRONMENT": &environment, "LEDGER_TABLE": &table}); err != nil {
		return nil, fmt.Errorf("env.Read: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &count.Counter{
		Ledger:      &ledger.Ledger{Table: dynamodb.NewFromConfig(cfg), Name: table},
		Environment: environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
