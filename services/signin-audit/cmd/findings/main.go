// Command findings is the function that looks for attacks in the audit table,
// on a schedule, and publishes what it finds.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/signin-audit/findings"
	"gatehouse.example/services/signin-audit/internal/announcer"
)

func main() {
	function.Main(build, func(a *announcer.Announcer) lambda.Handler { return function.JSON(a.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*announcer.Announcer, error) {
	where, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	var settings, table string
	if err := function.ReadEnv(getenv, map[string]*string{"AUDIT_TABLE": &table, "SETTINGS_NAME": &settings}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &announcer.Announcer{
		Rows:        &findings.Table{Client: dynamodb.NewFromConfig(cfg), Name: table, Now: time.Now, Max: findings.MaxRows},
		Settings:    &parameters.Cache{Client: ssm.NewFromConfig(cfg), Names: []string{settings}, Now: time.Now},
		Publisher:   publish.Connect(ctx, where, log),
		Environment: where.Environment, Log: log, Out: os.Stdout, Now: time.Now,
	}, nil
}
