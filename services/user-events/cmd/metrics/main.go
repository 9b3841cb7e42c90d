// Command metrics counts the events of its queue.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"gatehouse.example/lambdakit/env"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/user-events/internal/count"
	"gatehouse.example/services/user-events/internal/ledger"
)

func main() {
	function.Main(realMain, func(c *count.Counter) any { return c.Handle })
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
