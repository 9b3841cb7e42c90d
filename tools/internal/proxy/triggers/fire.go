package proxy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Cognito gives a trigger five seconds and asks up to three times when none comes
// in time; a 5xx of Lambda's Invoke is not asked again
// (https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html).
const (
	triggerLimit    = 5 * time.Second
	triggerAttempts = 3
)

// triggers calls the functions that a pool names, as Cognito does.
type triggers struct {
	up           *upstream
	attemptLimit time.Duration
	log          *slog.Logger
}

// cognitoError is an error as a client of Cognito gets it. The texts were seen on
// AWS; README.md names where.
type cognitoError struct {
	Type    string
	Message string
}

func (e *cognitoError) Error() string { return e.Type + ": " + e.Message }

// refused is the answer when the function itself returned an error.
func refused(trigger, text string) *cognitoError {
	return &cognitoError{"UserLambdaValidationException", fmt.Sprintf("%s failed with error %s.", trigger, text)}
}

// notInvoked is the answer when Lambda did not run the function to its end.
func notInvoked(trigger, reason string) *cognitoError {
	return &cognitoError{"UnexpectedLambdaException", fmt.Sprintf("%s invocation failed due to error %s.", trigger, reason)}
}

// fire calls the function that the pool names for the trigger; without one it does
// nothing. The error is always a *cognitoError.
func (t *triggers) fire(ctx context.Context, p pool, trigger string, ev event, trace string) error {
	arn := p.function(trigger)
	if arn == "" {
		return nil
	}
	if err := t.allowed(ctx, p, trigger); err != nil {
		return err
	}
	payload, err := json.Marshal(ev)
	if err != nil {
		return notInvoked(trigger, "SerializationException")
	}
	for range triggerAttempts {
		err = t.attempt(ctx, trigger, arn, payload, trace)
		if !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		t.log.WarnContext(ctx, "trigger out of time", "trigger", trigger, "function", arn)
	}
	return notInvoked(trigger, "Socket timeout while invoking Lambda function")
}

// attempt invokes the function once. Running out of time is the one error that is
// not a *cognitoError.
func (t *triggers) attempt(ctx context.Context, trigger, arn string, payload []byte, trace string) error {
	ctx, cancel := context.WithTimeout(ctx, t.attemptLimit)
	defer cancel()
	header := http.Header{"X-Amz-Invocation-Type": {"RequestResponse"}, "Content-Type": {"application/json"}}
	if trace != "" {
		header.Set(traceHeader, trace)
	}
	path := "/2015-03-31/functions/" + url.PathEscape(arn) + "/invocations"
	res, err := t.up.send(ctx, "lambda", http.MethodPost, path, header, payload)
	switch {
	case err != nil && ctx.Err() != nil:
		return context.DeadlineExceeded
	case err != nil:
		t.log.WarnContext(ctx, "trigger not reached", "trigger", trigger, "error", err.Error())
		return notInvoked(trigger, "ServiceException")
	case res.status != http.StatusOK:
		code := readError(res).Code
		if code == "" {
			code = "ServiceException"
		}
		return notInvoked(trigger, code)
	case res.header.Get("X-Amz-Function-Error") != "":
		return refused(trigger, functionError(res.body, res.header.Get("X-Amz-Function-Error")))
	}
	return checkAnswer(res.body)
}

// functionError is the text of a function's error: its message, which for a crash
// or a timeout is the one that the runtime writes.
func functionError(body []byte, kind string) string {
	var failure struct {
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(body, &failure); err != nil || strings.TrimSpace(failure.Message) == "" {
		return kind
	}
	return failure.Message
}

// checkAnswer refuses an answer that is not the event given back.
func checkAnswer(body []byte) error {
	if !json.Valid(body) {
		return &cognitoError{"InvalidLambdaResponseException", "Invalid lambda function output : Invalid JSON"}
	}
	var ev struct {
		Request  map[string]json.RawMessage `json:"request"`
		Response map[string]json.RawMessage `json:"response"`
	}
	if err := json.Unmarshal(body, &ev); err != nil || ev.Request == nil || ev.Response == nil {
		return &cognitoError{"InvalidLambdaResponseException", "Unrecognizable lambda output"}
	}
	return nil
}

// write answers with an error in Cognito's shape. On AWS the type header ends in a
// colon and the text is repeated in a header
// (https://github.com/amazon-archives/amazon-cognito-identity-js/issues/167).
func (e *cognitoError) write(w http.ResponseWriter, from http.Header) {
	body, err := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{e.Type, e.Message})
	if err != nil {
		http.Error(w, "encoding failed", http.StatusInternalServerError)
		return
	}
	header := w.Header()
	for name, values := range from {
		header[name] = values // CORS and request id, as the emulator sets them
	}
	header.Del("Content-Length")
	header.Set("Content-Type", "application/x-amz-json-1.1")
	header.Set("X-Amzn-Errortype", e.Type+":")
	header.Set("X-Amzn-Errormessage", headerText(e.Message))
	w.WriteHeader(http.StatusBadRequest)
	_, _ = w.Write(body)
}

// headerText keeps a message within one header line.
func headerText(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return ' '
		}
		return r
	}, s)
}
