// Command recorder is the function that writes every event of the topic into
// the audit table.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
	"gatehouse.example/services/signin-audit/internal/recorder"
)

func main() {
	function.Main(build, func(r *recorder.Recorder) lambda.Handler { return function.JSON(r.Handle) })
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*recorder.Recorder, error) {
	var environment, letters, retention, table string
	if err := function.ReadEnv(getenv, map[string]*string{
		"AUDIT_TABLE": &table, "DEAD_LETTER_QUEUE_URL": &letters, "GATEHOUSE_ENVIRONMENT": &environment, "RETENTION_DAYS": &retention,
	}); err != nil {
		return nil, fmt.Errorf("function.ReadEnv: %w", err)
	}
	days, err := strconv.ParseUint(retention, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("RETENTION_DAYS: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &recorder.Recorder{
		Store:       &recorder.Table{Client: dynamodb.NewFromConfig(cfg), Name: table},
		Dead:        &consume.DeadLetters{Queue: sqs.NewFromConfig(cfg), URL: letters},
		Environment: environment, Retention: time.Duration(days) * 24 * time.Hour,
		Log: log, Out: os.Stdout, Now: time.Now,
	}, nil
}
