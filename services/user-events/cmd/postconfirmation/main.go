// Command postconfirmation is Cognito's PostConfirmation trigger: it publishes that
// a user was created or a password was reset.
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
	"gatehouse.example/services/user-events/internal/postconfirmation"
)

func main() {
	function.Main(build, func(h *trigger.Handler) lambda.Handler { return h })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*trigger.Handler, error) {
	cfg, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	confirmer := &postconfirmation.Confirmer{Publisher: publish.Connect(ctx, cfg, log)}
	return &trigger.Handler{Run: confirmer.Run, Log: log, Now: time.Now}, nil
}
