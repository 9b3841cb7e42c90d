// Command drain publishes the events of the outbox to the topic.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/user-events/internal/drain"
)

func main() {
	function.Main(build, func(d *drain.Drain) lambda.Handler { return function.JSON(d.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*drain.Drain, error) {
	var environment, letters, topic string
	if err := function.ReadEnv(getenv, map[string]*string{"DEAD_LETTER_QUEUE_URL": &letters, "GATEHOUSE_ENVIRONMENT": &environment, "TOPIC_ARN": &topic}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &drain.Drain{
		Topic: sns.NewFromConfig(cfg), TopicARN: topic,
		Dead:        &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: letters},
		Environment: environment, Out: os.Stdout, Log: log, Now: time.Now,
	}, nil
}
