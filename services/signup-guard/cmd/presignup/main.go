// Command presignup is the PreSignUp trigger of a user pool: it turns away
// addresses that break a rule and announces every verdict.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
	"gatehouse.example/services/signup-guard/internal/disposable"
	"gatehouse.example/services/signup-guard/internal/guard"
)

func main() {
	log := lambdacontext.NewLogger()
	handler, err := realMain(context.Background(), os.Getenv, log)
	if err != nil {
		log.Error("presignup cannot start", "error", err.Error())
		os.Exit(1)
	}
	lambda.Start(handler)
}

func realMain(ctx context.Context, getenv func(string) string, log *slog.Logger) (lambda.Handler, error) {
	where, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	// The metric filter in the template takes the environment from each line.
	log = log.With("environment", where.Environment)
	config, err := guard.ConfigFromEnv(getenv, log)
	if err != nil {
		return nil, fmt.Errorf("guard.ConfigFromEnv: %w", err)
	}
	g := &guard.Guard{
		Config: config, List: disposable.List(), ListVersion: disposable.Version(),
		Publisher: publish.Connect(ctx, where, log), Log: log,
	}
	return &trigger.Handler{Run: g.PreSignUp, Log: log, Now: time.Now}, nil
}
