// Command notices mails people what has happened to their account: a welcome, once, and
// security notices that Cognito does not send.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	cognito "github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/messages/internal/notices"
)

func main() {
	function.Main(build, func(c *notices.Consumer) lambda.Handler { return function.JSON(c.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*notices.Consumer, error) {
	var environment, from, letters, region, table string
	err := function.ReadEnv(getenv, map[string]*string{
		"CLAIMS_TABLE": &table, "DEAD_LETTER_QUEUE_URL": &letters, "GATEHOUSE_ENVIRONMENT": &environment, "NOTICES_FROM": &from, "SES_REGION": &region,
	})
	if err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &notices.Consumer{
		Pool: cognito.NewFromConfig(cfg),
		// The identity may be in another region.
		Mailer:      sesv2.NewFromConfig(cfg, func(o *sesv2.Options) { o.Region = region }),
		Claims:      &notices.Claims{Table: dynamodb.NewFromConfig(cfg), Name: table},
		From:        from,
		Dead:        &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: letters},
		Environment: environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
