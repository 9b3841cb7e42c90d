// Command postauthentication is the function that Cognito calls when a person
// has been authenticated, before it issues the tokens.
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
	"gatehouse.example/services/signin-audit/internal/signin"
)

func main() { function.Main(build, func(h *trigger.Handler) lambda.Handler { return h }) }

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*trigger.Handler, error) {
	where, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	return &trigger.Handler{Run: signin.Succeeded(publish.Connect(ctx, where, log)), Log: log, Now: time.Now}, nil
}
