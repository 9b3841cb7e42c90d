package signin

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
)

// Main runs one of the two triggers as a Lambda function.
func Main(work func(Publisher) trigger.Func) {
	build := func(ctx context.Context, getenv func(string) string, log *slog.Logger) (*trigger.Handler, error) {
		return handler(ctx, getenv, log, work)
	}
	function.Main(build, func(h *trigger.Handler) any { return h })
}

// handler puts the function together from its environment.
func handler(ctx context.Context, getenv func(string) string, log *slog.Logger, work func(Publisher) trigger.Func) (*trigger.Handler, error) {
	cfg, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	return &trigger.Handler{
		Run: work(publish.Connect(ctx, cfg, log)),
		Log: log, Now: time.Now,
	}, nil
}
