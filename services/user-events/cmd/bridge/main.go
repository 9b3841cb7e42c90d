// Command bridge puts the events of its queue on the custom bus.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/user-events/internal/bridge"
)

func main() {
	function.Main(build, func(b *bridge.Bridge) lambda.Handler { return function.JSON(b.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*bridge.Bridge, error) {
	var bus, environment, letters string
	if err := function.ReadEnv(getenv, map[string]*string{"BUS_NAME": &bus, "DEAD_LETTER_QUEUE_URL": &letters, "GATEHOUSE_ENVIRONMENT": &environment}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &bridge.Bridge{
		Bus: eventbridge.NewFromConfig(cfg), BusName: bus,
		Dead:        &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: letters},
		Environment: environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
