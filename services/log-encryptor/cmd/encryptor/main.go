// Command encryptor encrypts log groups: those that a stack names, those that
// CloudTrail tells of, and those that a sweep finds.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/aws/aws-lambda-go/cfn"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/kms"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/services/log-encryptor/internal/created"
	"gatehouse.example/services/log-encryptor/internal/dispatch"
	"gatehouse.example/services/log-encryptor/internal/loggroup"
	"gatehouse.example/services/log-encryptor/internal/resource"
	"gatehouse.example/services/log-encryptor/internal/settings"
	"gatehouse.example/services/log-encryptor/internal/sweep"
)

func main() {
	function.Main(realMain, func(d *dispatch.Dispatcher) any { return d.Handle })
}

func realMain(ctx context.Context, getenv func(string) string, log *slog.Logger) (*dispatch.Dispatcher, error) {
	s, err := settings.Read(getenv)
	if err != nil {
		return nil, fmt.Errorf("settings.Read: %w", err)
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryer(patient))
	if err != nil {
		return nil, fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	logs := cloudwatchlogs.NewFromConfig(cfg)
	groups, keeper := &loggroup.Directory{Logs: logs}, &loggroup.Keeper{Logs: logs, KeyARN: s.KeyARN}
	onCreated := &created.Handler{
		Groups: groups, Keeper: keeper, Prefixes: s.Prefixes, Retention: s.RetentionDays,
		Environment: s.Environment, Out: os.Stdout, Log: log, Now: time.Now,
	}
	sweeper := &sweep.Sweeper{
		Groups: groups, Keeper: keeper, Prefixes: s.Prefixes, Retention: s.RetentionDays, Key: &sweep.KMSKey{KMS: kms.NewFromConfig(cfg), ARN: s.KeyARN},
		Environment: s.Environment, Out: os.Stdout, Log: log, Now: time.Now,
	}
	custom := &resource.Handler{Groups: groups, Keeper: keeper, Logs: logs, Log: log}
	return &dispatch.Dispatcher{Request: cfn.LambdaWrap(custom.Handle), Created: onCreated.Handle, Sweep: sweeper.Sweep}, nil
}

// patient slows the client down when CloudWatch Logs throttles, as the quotas of
// the calls that change a group are a few a second and shared with the whole
// account, and tries again when another call changes the same group.
func patient() aws.Retryer {
	adaptive := retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) { o.MaxAttempts = 8 })
	})
	return retry.AddWithErrorCodes(adaptive, "OperationAbortedException")
}
