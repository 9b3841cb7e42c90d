// Package usermigration lets a person of an old system into the pool: it answers
// Cognito's UserMigration trigger, which is called when somebody that the pool does not
// know signs in with a password, or forgot it.
//
// The password is in the payload, in the one question to the old system, and in Cognito's
// own event that goes back to Cognito. It is in no log line, error, metric, trace or message.
// A wrong password, an unknown address, too many tries and an old system that does not
// answer have the same error, after the same time.
package usermigration

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/reason"
)

// Refusal is the one error of the trigger. Cognito tells the person that the user name or
// the password is wrong, whatever its text is, if the client hides whether a user exists.
type Refusal struct{}

// Error is a text for whoever has a client that does not.
func (Refusal) Error() string { return "Incorrect username or password." }

// The metrics of a call.
const (
	// MetricMoved counts the people that Cognito was told to create.
	MetricMoved = "MigrationsAccepted"
	// MetricRefused counts every refusal. Each is an error of the function for Lambda, so it is
	// taken away from Lambda's count.
	MetricRefused = "MigrationsRefused"
	// MetricLimited counts the refusals by a limit, without a question to the old system.
	MetricLimited = "MigrationsLimited"
	// MetricFailed counts the refusals because the old system or a table did not answer.
	MetricFailed = "MigrationsFailed"
	// MetricUnannounced counts people whose message to the announcer was lost.
	MetricUnannounced = "MigrationsUnannounced"
)

// Limiter counts tries. It returns ErrLimited for one too many.
type Limiter interface {
	Try(ctx context.Context, address string) error
}

// Announcer is told of a person that Cognito is going to create.
type Announcer interface {
	Tell(ctx context.Context, poolARN, address string, at time.Time) error
}

// Handler is a lambda.Handler, because it must see and return raw bytes.
type Handler struct {
	Source    Source
	Limiter   Limiter
	Announcer Announcer
	// Floor is the time after which a refusal is answered at the earliest, so that the time
	// says nothing about why.
	Floor       time.Duration
	Environment string
	// Out takes the metric lines; in a function it is standard output.
	Out io.Writer
	Log *slog.Logger
	Now func() time.Time
}

// reserve is what a refusal leaves of an invocation's time.
const reserve = 300 * time.Millisecond

// Invoke answers one call of Cognito.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	began := time.Now()
	answer, err := h.answer(ctx, payload)
	h.count(ctx, err)
	if err == nil {
		return answer, nil
	}
	wait(ctx, h.Floor-time.Since(began))
	return nil, Refusal{}
}

// answer turns a panic into an error, without its value.
func (h *Handler) answer(ctx context.Context, payload []byte) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, fmt.Errorf("usermigration: panic of type %T", p)
		}
	}()
	c, err := parse(payload)
	if err != nil {
		return nil, err
	}
	if err := h.Limiter.Try(ctx, c.address); err != nil {
		return nil, err
	}
	p, err := h.person(ctx, c)
	if err != nil {
		return nil, err
	}
	if p.Attributes, err = stored(p, c.address); err != nil {
		return nil, err
	}
	if answer, err = c.respond(p); err != nil {
		return nil, err
	}
	h.announce(ctx, c)
	return answer, nil
}

// person asks the old system. Cognito sends the code for a new password to a verified
// address only, and its error for another one would say that the address is known.
func (h *Handler) person(ctx context.Context, c call) (Person, error) {
	if c.source == sourceSignIn {
		return h.Source.SignIn(ctx, c.address, c.password)
	}
	p, err := h.Source.Find(ctx, c.address)
	if err == nil && !p.Verified {
		return Person{}, ErrRefused
	}
	return p, err
}

// announce tells of the person. If that fails, the person is let in all the same: the
// reconciler of user-events announces the user within a day.
func (h *Handler) announce(ctx context.Context, c call) {
	pool, err := poolARN(ctx, c)
	if err == nil {
		err = h.Announcer.Tell(ctx, pool, c.address, h.Now())
	}
	if err == nil {
		return
	}
	h.Log.ErrorContext(ctx, "announcer not told", "error", reason.Of(err))
	b := emf.New(h.Environment)
	b.Add(MetricUnannounced, emf.Count, 1)
	h.flush(ctx, b)
}

// poolARN makes the pool's ARN from the function's own: the function's policy allows only
// pools of its own account.
func poolARN(ctx context.Context, c call) (string, error) {
	lc, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return "", errors.New("no Lambda context")
	}
	part := strings.Split(lc.InvokedFunctionArn, ":")
	if len(part) < 7 || part[0] != "arn" {
		return "", errors.New("the function's ARN is malformed")
	}
	region := c.region
	if region == "" {
		region = part[3]
	}
	return fmt.Sprintf("arn:%s:cognito-idp:%s:%s:userpool/%s", part[1], region, part[4], c.poolID), nil
}

// count writes the metrics and the log line of a call.
func (h *Handler) count(ctx context.Context, err error) {
	b := emf.New(h.Environment)
	code := codeOf(err)
	switch code {
	case "":
		b.Add(MetricMoved, emf.Count, 1)
	case codeLimited:
		b.Add(MetricLimited, emf.Count, 1)
	case codeFailed:
		b.Add(MetricFailed, emf.Count, 1)
	}
	switch {
	case code == codeFailed:
		h.Log.ErrorContext(ctx, "refused", "code", code, "error", err.Error())
	case code != "":
		h.Log.InfoContext(ctx, "refused", "code", code)
	}
	if code != "" {
		b.Add(MetricRefused, emf.Count, 1)
	}
	h.flush(ctx, b)
}

// The codes of a refusal, for the log.
const (
	codeRefused = "refused"
	codeAddress = "not-an-address"
	codeLimited = "limited"
	codeFailed  = "failed"
)

func codeOf(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, ErrRefused):
		return codeRefused
	case errors.Is(err, errAddress):
		return codeAddress
	case errors.Is(err, ErrLimited):
		return codeLimited
	}
	return codeFailed
}

func (h *Handler) flush(ctx context.Context, b *emf.Batch) {
	if err := b.Flush(h.Out, h.Now()); err != nil {
		h.Log.ErrorContext(ctx, "metric not written", "error", err.Error())
	}
}

// wait waits, but not until the invocation is cut off: then the error would be another one.
func wait(ctx context.Context, d time.Duration) {
	if deadline, ok := ctx.Deadline(); ok {
		d = min(d, time.Until(deadline)-reserve)
	}
	if d <= 0 {
		return
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
