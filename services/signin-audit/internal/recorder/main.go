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
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"gatehouse.example/contracts/tracing"
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
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &Recorder{
		Store:       &Table{Client: dynamodb.NewFromConfig(cfg), Name: getenv("AUDIT_TABLE")},
		Environment: getenv("GATEHOUSE_ENVIRONMENT"),
		Retention:   time.Duration(days) * 24 * time.Hour,
		Log:         log, Out: os.Stdout, Now: time.Now,
	}, nil
}
