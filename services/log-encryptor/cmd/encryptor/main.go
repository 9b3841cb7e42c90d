// Command encryptor encrypts log groups: those that a stack names, those that
// CloudTrail reports, and those that a sweep finds.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/services/log-encryptor/internal/encryptor"
)

func main() {
	function.Main(build, func(d *encryptor.Dispatcher) lambda.Handler {
		return function.JSON(func(ctx context.Context, event json.RawMessage) (any, error) { return nil, d.Handle(ctx, event) })
	})
}

func build(ctx context.Context, getenv func(string) string, log *slog.Logger) (*encryptor.Dispatcher, error) {
	s, err := encryptor.ReadSettings(getenv)
	if err != nil {
		return nil, fmt.Errorf("encryptor.ReadSettings: %w", err)
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryer(encryptor.NewRetryer))
	if err != nil {
		return nil, fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	logs := cloudwatchlogs.NewFromConfig(cfg)
	groups, keeper := &encryptor.Directory{Logs: logs}, &encryptor.Keeper{Logs: logs, KeyARN: s.KeyARN}
	sweeper := &encryptor.Sweeper{
		Groups: groups, Keeper: keeper, Prefixes: s.Prefixes, Retention: s.RetentionDays, Key: &encryptor.KMSKey{KMS: kms.NewFromConfig(cfg), ARN: s.KeyARN},
		Environment: s.Environment, Out: os.Stdout, Log: log, Now: time.Now,
	}
	custom := &encryptor.ResourceHandler{Groups: groups, Keeper: keeper, Logs: logs, Prefixes: s.Prefixes, Log: log}
	answerer := &encryptor.Answerer{Handle: custom.Handle, Client: encryptor.NewClient()}
	return &encryptor.Dispatcher{Request: answerer.Request, Created: sweeper.Created, Sweep: sweeper.Sweep}, nil
}
