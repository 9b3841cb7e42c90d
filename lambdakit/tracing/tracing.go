// Package tracing is how the functions that link the X-Ray SDK set it up: the
// consumers and the API. It is one package so that all of them keep the same
// promises: tracing never hurts (a call outside of a trace is not reported,
// segments leave by UDP, nobody waits for a daemon that is not there), and no
// personal data reaches a trace (errors are reported by their codes).
//
// Triggers must not import it, for the SDK doubles their size and start; a rule
// holds them to that. The SDK sends to AWS_XRAY_DAEMON_ADDRESS, which Lambda
// sets, and takes the trace from the context that aws-lambda-go makes.
package tracing

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-xray-sdk-go/v2/header"
	"github.com/aws/aws-xray-sdk-go/v2/instrumentation/awsv2"
	"github.com/aws/aws-xray-sdk-go/v2/strategy/ctxmissing"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
	"github.com/aws/aws-xray-sdk-go/v2/xraylog"
)

// Configure sets the SDK up. Call it once, before the first use: the SDK keeps
// its settings for the whole process.
func Configure() error {
	// What the SDK has to say about a missing daemon is of no use to anybody.
	xray.SetLogger(xraylog.NullLogger)
	err := xray.Configure(xray.Config{
		ContextMissingStrategy:      ctxmissing.NewDefaultIgnoreErrorStrategy(),
		ExceptionFormattingStrategy: newCodes(),
	})
	if err != nil {
		return fmt.Errorf("xray.Configure: %w", err)
	}
	return nil
}

// Instrument makes every call of the clients made from cfg a subsegment.
func Instrument(cfg *aws.Config) { awsv2.AWSV2Instrumentor(&cfg.APIOptions) }

// Load does both, and reads credentials and region from the function's environment.
func Load(ctx context.Context) (aws.Config, error) {
	if err := Configure(); err != nil {
		return aws.Config{}, err
	}
	cfg, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return aws.Config{}, fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	Instrument(&cfg)
	return cfg, nil
}

// Run does work inside a subsegment, which reports the error that it returns or
// the panic that it ends with. Outside of a trace it only does the work.
func Run(ctx context.Context, name string, work func(context.Context) error) (err error) {
	// Not xray.Capture, which fails itself when work panics outside of a trace.
	ctx, segment := xray.BeginSubsegment(ctx, name)
	if segment == nil {
		return work(ctx)
	}
	defer func() {
		if p := recover(); p != nil {
			segment.Close(panicked{kind: fmt.Sprintf("%T", p)})
			panic(p)
		}
		segment.Close(err)
	}()
	return work(ctx)
}

// Annotate adds a value to the subsegment of ctx by which traces can be searched.
// Never give it anything personal.
func Annotate(ctx context.Context, key, value string) {
	// The only error is that there is no subsegment.
	_ = xray.AddAnnotation(ctx, key, value)
}

// Status tells the subsegment of ctx with which HTTP status the work ended: it
// counts as an error from 400 on, as throttled at 429 and as a fault from 500 on.
func Status(ctx context.Context, code int) {
	if segment := xray.GetSegment(ctx); segment != nil {
		xray.HttpCaptureResponse(segment, code)
	}
}

// Fail reports an error that the work answered itself, where Run sees none.
func Fail(ctx context.Context, err error) {
	// The only error is that there is no subsegment.
	_ = xray.AddError(ctx, err)
}

// ID is the id of the trace that ctx belongs to, for the answer to whoever asks
// for help; empty outside of a trace. A trace that was not sampled has one too.
func ID(ctx context.Context) string {
	// aws-lambda-go puts the header under this plain string.
	text, _ := ctx.Value(xray.LambdaTraceHeaderKey).(string)
	id := header.FromString(text).TraceID
	// A caller may have sent the header, so anything can be in it.
	if !isID(id) {
		return ""
	}
	return id
}

// isID tells whether s is 1-<8 digits>-<24 digits>. Every answer asks, so there is
// no expression to compile.
func isID(s string) bool {
	const digits = "0123456789abcdef"
	return len(s) == 35 && s[:2] == "1-" && s[10] == '-' && strings.Trim(s[2:10], digits) == "" && strings.Trim(s[11:], digits) == ""
}
