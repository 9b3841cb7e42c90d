// Command announcer publishes user.created of the people that the UserMigration trigger
// has let in.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/migration/internal/newcomers"
)

func main() {
	function.Main(build, func(c *newcomers.Consumer) lambda.Handler { return function.JSON(c.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*newcomers.Consumer, error) {
	out, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	var letters string
	if err := function.ReadEnv(getenv, map[string]*string{"DEAD_LETTER_QUEUE_URL": &letters}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &newcomers.Consumer{
		Pool: cognito.NewFromConfig(cfg), Publisher: publish.Connect(ctx, out, log),
		Dead:        &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: letters},
		Environment: out.Environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
