// Package awsclient configures the AWS SDK for the consumers: credentials and
// region from the function's environment, and every call a subsegment in X-Ray.
//
// Triggers do not use it, for the X-Ray SDK doubles their size and start.
package awsclient

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-xray-sdk-go/v2/instrumentation/awsv2"
	"github.com/aws/aws-xray-sdk-go/v2/strategy/ctxmissing"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
	"github.com/aws/aws-xray-sdk-go/v2/xraylog"
)

// Load reads the configuration and instruments it. Tracing must never hurt: a
// call outside of a trace is not reported, and what the SDK has to say about a
// daemon that is not there is dropped. Segments leave by UDP, so that nothing
// waits for it either.
func Load(ctx context.Context) (aws.Config, error) {
	xray.SetLogger(xraylog.NullLogger)
	if err := xray.Configure(xray.Config{ContextMissingStrategy: ctxmissing.NewDefaultIgnoreErrorStrategy()}); err != nil {
		return aws.Config{}, fmt.Errorf("xray.Configure: %w", err)
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return aws.Config{}, fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	awsv2.AWSV2Instrumentor(&cfg.APIOptions)
	return cfg, nil
}
