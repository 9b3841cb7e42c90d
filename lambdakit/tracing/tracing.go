// Package tracing sets the X-Ray SDK up for the functions that link it: the
// consumers and the API. It keeps the same promises for all of them: tracing does no
// harm (a call outside of a trace is not reported, segments are sent by UDP, nothing
// waits for a missing daemon), and traces contain no personal data (errors are
// reported by their codes).
//
// Triggers must not import it, because the SDK doubles their size and start time; a
// rule holds this. The SDK sends to AWS_XRAY_DAEMON_ADDRESS, which Lambda sets, and
// reads the trace from the context that aws-lambda-go makes. The SDK is in
// maintenance mode: docs/adr/0022 says what a replacement would touch.
package tracing

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-xray-sdk-go/v2/header"
	"github.com/aws/aws-xray-sdk-go/v2/instrumentation/awsv2"
	"github.com/aws/aws-xray-sdk-go/v2/strategy/ctxmissing"
	"github.com/aws/aws-xray-sdk-go/v2/strategy/exception"
	"github.com/aws/aws-xray-sdk-go/v2/xray"
	"github.com/aws/aws-xray-sdk-go/v2/xraylog"

	"gatehouse.example/lambdakit/function"
	"gatehouse.example/lambdakit/reason"
)

// Configure sets the SDK up. Call it once, before the first use: its settings are
// global.
func Configure() error {
	// The SDK's messages about a missing daemon help nobody.
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

// Load calls Configure and Instrument, and reads credentials and region from the
// function's environment.
func Load(ctx context.Context) (aws.Config, error) {
	if err := Configure(); err != nil {
		return aws.Config{}, err
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRetryer(newRetryer))
	if err != nil {
		return aws.Config{}, fmt.Errorf("config.LoadDefaultConfig: %w", err)
	}
	cfg.HTTPClient = newInMemory(cfg.HTTPClient)
	Instrument(&cfg)
	return cfg, nil
}

// inMemory sends requests with their bodies in memory.
type inMemory struct{ aws.HTTPClient }

// newInMemory wraps a client that the SDK made for the environment, such as AWS_CA_BUNDLE, or
// its own for the usual case, in which it has none yet.
func newInMemory(made aws.HTTPClient) inMemory {
	if made == nil {
		made = awshttp.NewBuildableClient()
	}
	return inMemory{made}
}

// Do sends a request.
func (c inMemory) Do(req *http.Request) (*http.Response, error) {
	req, err := function.InMemory(req)
	if err != nil {
		return nil, fmt.Errorf("function.InMemory: %w", err)
	}
	// With it the client would follow a redirect, and send a signed call to another host.
	req.GetBody = nil
	return c.HTTPClient.Do(req)
}

// maxBackoff is the longest pause between two attempts of a call. The SDK's own pauses
// last up to 20 seconds. The calls of functions have about one, so that the time would end
// in a pause, and the error would be a timeout whatever the service had answered.
const maxBackoff = 100 * time.Millisecond

func newRetryer() aws.Retryer {
	return retry.NewStandard(func(o *retry.StandardOptions) { o.MaxBackoff = maxBackoff })
}

// Run does work inside a subsegment, which reports the error that work returns or
// the panic that ends it. Outside of a trace it only does the work.
func Run(ctx context.Context, name string, work func(context.Context) error) (err error) {
	// Not xray.Capture, which itself fails when work panics outside of a trace.
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

// Annotate adds a searchable value to the subsegment of ctx. It must not be personal
// data.
func Annotate(ctx context.Context, key, value string) {
	// The only error is that there is no subsegment.
	_ = xray.AddAnnotation(ctx, key, value)
}

// Status sets the HTTP status of the subsegment of ctx: it is an error from 400 on,
// throttled at 429 and a fault from 500 on.
func Status(ctx context.Context, code int) {
	if segment := xray.GetSegment(ctx); segment != nil {
		xray.HttpCaptureResponse(segment, code)
	}
}

// Fail reports an error that the work has handled, so that Run does not see it.
func Fail(ctx context.Context, err error) {
	// The only error is that there is no subsegment.
	_ = xray.AddError(ctx, err)
}

// ID is the id of the trace that ctx belongs to, to be shown in an error response.
// It is empty outside of a trace. A trace that is not sampled has one too.
func ID(ctx context.Context) string {
	// aws-lambda-go puts the header under this plain string.
	text, _ := ctx.Value(xray.LambdaTraceHeaderKey).(string)
	id := header.FromString(text).TraceID
	// A caller may have sent the header, so it can contain anything.
	if !isID(id) {
		return ""
	}
	return id
}

// isID reports whether s is 1-<8 digits>-<24 digits>.
func isID(s string) bool {
	const digits = "0123456789abcdef"
	return len(s) == 35 && s[:2] == "1-" && s[10] == '-' && strings.Trim(s[2:10], digits) == "" && strings.Trim(s[11:], digits) == ""
}

// frames is how much of the stack is reported with an error.
const frames = 16

// codes reports errors as the SDK does, but without their texts: AWS's can quote the
// request, which may contain personal data.
type codes struct {
	*exception.DefaultFormattingStrategy
}

func newCodes() codes {
	return codes{&exception.DefaultFormattingStrategy{FrameCount: frames}}
}

// ExceptionFromError is called by the SDK for every error.
func (c codes) ExceptionFromError(err error) exception.Exception {
	e := c.DefaultFormattingStrategy.ExceptionFromError(err)
	e.Type, e.Message = reason.Name(err), reason.Of(err)
	var p panicked
	if errors.As(err, &p) {
		e.Type, e.Message = "panic", p.kind
	}
	return e
}

// panicked replaces a panic, whose value may contain anything.
type panicked struct{ kind string }

func (p panicked) Error() string { return "panic of type " + p.kind }
