package recorder

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/tracing"
)

// Main runs the recorder as a Lambda function.
func Main() { function.Main(fromEnv, func(r *Recorder) any { return r.Handle }) }

// fromEnv puts the function together from its environment.
func fromEnv(ctx context.Context, getenv func(string) string, log *slog.Logger) (*Recorder, error) {
	var environment, retention, table string
	if err := function.ReadEnv(getenv, map[string]*string{
		"AUDIT_TABLE": &table, "GATEHOUSE_ENVIRONMENT": &environment, "RETENTION_DAYS": &retention,
	}); err != nil {
		return nil, fmt.Errorf("recorder: %w", err)
	}
	days, err := strconv.ParseUint(retention, 10, 16)
	if err != nil {
		return nil, fmt.Errorf("recorder: RETENTION_DAYS: %w", err)
	}
	cfg, err := tracing.Load(ctx)
	if err != nil {
		return nil, fmt.Errorf("tracing.Load: %w", err)
	}
	return &Recorder{
		Store:       &Table{Client: dynamodb.NewFromConfig(cfg), Name: table},
		Environment: environment,
		Retention:   time.Duration(days) * 24 * time.Hour,
		Log:         log, Out: os.Stdout, Now: time.Now,
	}, nil
}
