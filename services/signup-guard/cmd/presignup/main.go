// Command presignup is the PreSignUp trigger of a user pool: it turns away
// addresses that break a rule and publishes every verdict.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
	"gatehouse.example/services/signup-guard/internal/domains"
	"gatehouse.example/services/signup-guard/internal/presignup"
)

func main() { function.Main(build, func(h *trigger.Handler) lambda.Handler { return h }) }

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*trigger.Handler, error) {
	where, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	// The metric filter in the template takes the environment from each line.
	log = log.With("environment", where.Environment)
	config, err := presignup.ConfigFromEnv(getenv, log)
	if err != nil {
		return nil, fmt.Errorf("presignup.ConfigFromEnv: %w", err)
	}
	g := &presignup.Guard{
		Config: config, List: domains.Disposable(), ListVersion: domains.Version(),
		Publisher: publish.Connect(ctx, where, log), Log: log,
	}
	return &trigger.Handler{Run: g.PreSignUp, Log: log, Now: time.Now}, nil
}
