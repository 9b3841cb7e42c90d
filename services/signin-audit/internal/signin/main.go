package signin

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"gatehouse.example/contracts/publish"
	"gatehouse.example/contracts/trigger"
)

// Main runs one of the two triggers as a Lambda function.
func Main(work func(Publisher) trigger.Func) {
	log := lambdacontext.NewLogger()
	if err := realMain(context.Background(), log, work); err != nil {
		log.Error("function cannot start", "error", err.Error())
		os.Exit(1)
	}
}

func realMain(ctx context.Context, log *slog.Logger, work func(Publisher) trigger.Func) error {
	h, err := handler(ctx, os.Getenv, log, work)
	if err != nil {
		return err
	}
	lambda.Start(h)
	return nil
}

// handler puts the function together from its environment.
func handler(ctx context.Context, getenv func(string) string, log *slog.Logger, work func(Publisher) trigger.Func) (*trigger.Handler, error) {
	cfg, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	return &trigger.Handler{
		Run: work(publish.Connect(ctx, cfg, getenv, log)),
		Log: log, Now: time.Now,
	}, nil
}
