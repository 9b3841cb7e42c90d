// Package trigger runs every Cognito trigger of Gatehouse: it reads the few fields
// that Gatehouse needs, calls the service's function, and answers with the bytes of
// the request.
//
// It ensures that no trigger breaks a sign-in. Cognito fails a person's request on
// any error of a trigger
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html),
// so only a [Refusal] and a payload that Cognito cannot have sent are returned as
// errors. Everything else, a panic included, is logged and ignored.
package trigger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// Refusal is the one error that a person sees. Cognito shows its text, so it is
// short, plain and without internals.
type Refusal struct {
	// Code is stable and for programs.
	Code string
	// Text is for people.
	Text string
}

// Error is the text that Cognito passes on.
func (r Refusal) Error() string { return r.Text }

// Func does the work of one trigger. A Refusal turns the person away; any other
// error is logged and the person continues.
type Func func(ctx context.Context, call Call) error

// Handler is a lambda.Handler, because it must see and return raw bytes.
type Handler struct {
	Run Func
	Log *slog.Logger
	Now func() time.Time
}

// Invoke answers one call of Cognito.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	call, err := parse(ctx, payload, h.Now())
	if err != nil {
		h.Log.ErrorContext(ctx, "payload is not a Cognito trigger event", "error", err.Error())
		return nil, fmt.Errorf("trigger: %w", err)
	}
	err = h.run(ctx, call)
	refusal, refused := asRefusal(err)
	switch {
	case refused:
		h.Log.InfoContext(ctx, "refused", "source", call.Source, "code", refusal.Code)
		return nil, refusal
	case err != nil:
		h.Log.ErrorContext(ctx, "forgiven", "source", call.Source, "error", err.Error())
	}
	return payload, nil
}

// asRefusal finds a Refusal in err, by value or by pointer. If a refusal were taken
// for another error, the person would be let in.
func asRefusal(err error) (Refusal, bool) {
	var value Refusal
	if errors.As(err, &value) {
		return value, true
	}
	var pointer *Refusal
	if errors.As(err, &pointer) && pointer != nil {
		return *pointer, true
	}
	return Refusal{}, false
}

// run turns a panic into an error, without its value, which may contain an address.

func (h *Handler) run(ctx context.Context, call Call) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("trigger: panic of type %T", p)
		}
	}()
	return h.Run(ctx, call)
}
