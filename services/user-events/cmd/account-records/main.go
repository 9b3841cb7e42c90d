// Command account-records makes events of CloudTrail's records about accounts and the
// user pool.
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
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/lambdakit/cloudtrail"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/user-events/internal/accountrecords"
	"gatehouse.example/services/user-events/internal/userrows"
)

func main() {
	function.Main(build, func(c *accountrecords.Consumer) lambda.Handler { return function.JSON(c.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*accountrecords.Consumer, error) {
	out, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	var letters, ledger string
	if err := function.ReadEnv(getenv, map[string]*string{"DEAD_LETTER_QUEUE_URL": &letters, "LEDGER_TABLE": &ledger}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	platform := &parameters.Cache{Client: ssm.NewFromConfig(cfg), Names: cloudtrail.ParameterNames(out.Environment), Now: time.Now}
	return &accountrecords.Consumer{
		Platform:    platform,
		Pools:       &cloudtrail.Owner{Platform: platform, Clients: accountrecords.NoOtherClients{}, Now: time.Now},
		Users:       &userrows.Rows{Table: dynamodb.NewFromConfig(cfg), Name: ledger, Pool: cognito.NewFromConfig(cfg), Now: time.Now},
		Publisher:   publish.Connect(ctx, out, log),
		Dead:        &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: letters},
		Environment: out.Environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
