// Command reconciler finds unannounced users, and announces them.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/user-events/internal/reconcile"
)

func main() {
	function.Main(build, func(r *reconcile.Reconciler) lambda.Handler { return function.JSON(r.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*reconcile.Reconciler, error) {
	var environment, ledger, pages, pool, topic string
	if err := function.ReadEnv(getenv, map[string]*string{
		"GATEHOUSE_ENVIRONMENT": &environment, "LEDGER_TABLE": &ledger, "PAGES_PER_SECOND": &pages, "POOL_ARN_NAME": &pool, "TOPIC_ARN": &topic,
	}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	perSecond, err := strconv.Atoi(pages)
	if err != nil {
		return nil, fmt.Errorf("PAGES_PER_SECOND: %w", err)
	}
	var from time.Time
	if given := getenv("RECONCILE_FROM"); given != "" {
		if from, err = time.Parse(time.DateOnly, given); err != nil {
			return nil, fmt.Errorf("RECONCILE_FROM: %w", err)
		}
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	table := dynamodb.NewFromConfig(cfg)
	return &reconcile.Reconciler{
		Users: cognitoidentityprovider.NewFromConfig(cfg), Topic: sns.NewFromConfig(cfg), TopicARN: topic,
		Ledger:   &reconcile.Ledger{Table: table, State: table, Name: ledger},
		Platform: &parameters.Cache{Client: ssm.NewFromConfig(cfg), Names: []string{pool}, Now: time.Now},
		From:     from, PagesPerSecond: perSecond, Environment: environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
