package recorder

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-xray-sdk-go/v2/instrumentation/awsv2"
	"github.com/aws/aws-xray-sdk-go/v2/strategy/ctxmissing"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
	"github.com/aws/aws-xray-sdk-go/v2/xraylog"
)

// Main runs the recorder as a Lambda function.
func Main() {
	log := lambdacontext.NewLogger()
	if err := realMain(context.Background(), log); err != nil {
		log.Error("function cannot start", "error", err.Error())
		os.Exit(1)
	}
}

func realMain(ctx context.Context, log *slog.Logger) error {
	r, err := fromEnv(ctx, os.Getenv, log)
	if err != nil {
		return err
	}
	lambda.Start(r.Handle)
	return nil
}

// fromEnv puts the function together from its environment.
func fromEnv(ctx context.Context, getenv func(string) string, log *slog.Logger) (*Recorder, error) {
	for _, name := range []string{"AUDIT_TABLE", "GATEHOUSE_ENVIRONMENT", "RETENTION_DAYS"} {
		if getenv(name) == "" {
			return nil, fmt.Errorf("recorder: environment variable %s is not set", name)
		}
	}
	days, err := strconv.ParseUint(getenv("RETENTION_DAYS"), 10, 16)
	if err != nil {
		return nil, fmt.Errorf("recorder: RETENTION_DAYS: %w", err)
	}
	client, err := tracedClient(ctx)
	if err != nil {
		return nil, err
	}
	return &Recorder{
		Store:       &Table{Client: client, Name: getenv("AUDIT_TABLE")},
		Environment: getenv("GATEHOUSE_ENVIRONMENT"),
		Retention:   time.Duration(days) * 24 * time.Hour,
		Log:         log, Out: os.Stdout, Now: time.Now,
	}, nil
}

// tracedClient makes a client whose calls show in the trace. Tracing must never
// cost a row: a missing context is ignored, segments leave by UDP, and what the
// tracing SDK has to say stays out of the log.
func tracedClient(ctx context.Context) (*dynamodb.Client, error) {
	xray.SetLogger(xraylog.NullLogger)
	if err := xray.Configure(xray.Config{ContextMissingStrategy: ctxmissing.NewDefaultIgnoreErrorStrategy()}); err != nil {
		return nil, fmt.Errorf("xray.Configure: %w", err)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	awsv2.AWSV2Instrumentor(&cfg.APIOptions)
	return dynamodb.NewFromConfig(cfg), nil
}
