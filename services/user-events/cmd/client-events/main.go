// Command client-events makes events of what apps send to the client-events
// queues with the credentials of the identity pool.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/parameters"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/user-events/internal/clientevents"
	"gatehouse.example/services/user-events/internal/metrics"
)

func main() {
	function.Main(build, func(c *clientevents.Consumer) lambda.Handler { return function.JSON(c.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*clientevents.Consumer, error) {
	out, err := publish.ConfigFromEnv(getenv)
	if err != nil {
		return nil, fmt.Errorf("publish.ConfigFromEnv: %w", err)
	}
	var guests, guestLetters, users, userLetters, ledger, perMinute, pool string
	if err := function.ReadEnv(getenv, map[string]*string{
		"EVENTS_PER_MINUTE": &perMinute, "GUEST_DEAD_LETTER_QUEUE_URL": &guestLetters, "GUEST_QUEUE_ARN": &guests, "LEDGER_TABLE": &ledger,
		"POOL_ARN_NAME": &pool, "USER_DEAD_LETTER_QUEUE_URL": &userLetters, "USER_QUEUE_ARN": &users,
	}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	limit, err := strconv.Atoi(perMinute)
	if err != nil {
		return nil, fmt.Errorf("EVENTS_PER_MINUTE: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	queue := sqs.NewFromConfig(cfg)
	return &clientevents.Consumer{
		Queues:    map[string]string{guests: contracts.WhoGuest, users: contracts.WhoUser},
		Dead:      map[string]*consume.DeadLetters{guests: {Queue: queue, URL: guestLetters}, users: {Queue: queue, URL: userLetters}},
		Publisher: publish.Connect(ctx, out, log),
		Platform:  &parameters.Cache{Client: ssm.NewFromConfig(cfg), Names: []string{pool}, Now: time.Now},
		Limiter: &clientevents.MinuteLimit{
			Counts: &metrics.Counts{Table: dynamodb.NewFromConfig(cfg), Name: ledger, Process: rand.Text()[:8]}, PerMinute: limit,
		},
		Environment: out.Environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
