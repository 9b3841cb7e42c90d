// Command address-changed looks at the address of a user whose attributes were changed.
// Cognito calls no trigger for such a change, so somebody who signed up with one address
// could continue with a disposable one.
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
	"gatehouse.example/services/signup-guard/internal/addresschanged"
	"gatehouse.example/services/signup-guard/internal/domains"
	"gatehouse.example/services/signup-guard/internal/presignup"
)

func main() {
	function.Main(build, func(c *addresschanged.Consumer) lambda.Handler { return function.JSON(c.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*addresschanged.Consumer, error) {
	out, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	var letters string
	if err := function.ReadEnv(getenv, map[string]*string{"DEAD_LETTER_QUEUE_URL": &letters}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	config, err := presignup.ConfigFromEnv(getenv, log)
	if err != nil {
		return nil, fmt.Errorf("presignup.ConfigFromEnv: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &addresschanged.Consumer{
		Pool:        cognito.NewFromConfig(cfg),
		Judge:       &presignup.Guard{Config: config, List: domains.Disposable()},
		Publisher:   publish.Connect(ctx, out, log),
		Dead:        &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: letters},
		Environment: out.Environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
