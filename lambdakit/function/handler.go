package function

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"
)

// aws-lambda-go writes the text of every error and panic to the log, to X-Ray and to the
// caller. A decoding error can quote the payload, and a panic any value; so neither
// reaches it.

var errPayload = errors.New("function: the payload is not JSON of the expected shape")

// JSON makes a handler of f, as [lambda.NewHandler] does, without decoding errors that
// quote the payload.
func JSON[In, Out any](f func(context.Context, In) (Out, error)) lambda.Handler {
	return jsonHandler[In, Out](f)
}

type jsonHandler[In, Out any] func(context.Context, In) (Out, error)

// Invoke answers with the JSON of f's result.
func (f jsonHandler[In, Out]) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in In
	if json.Unmarshal(payload, &in) != nil {
		return nil, errPayload
	}
	out, err := f(ctx, in)
	if err != nil {
		return nil, err
	}
	return Encode(out)
}

// Encode is v as JSON in which HTML is not escaped. The error does not quote v.
func Encode(v any) ([]byte, error) {
	var answer bytes.Buffer
	encoder := json.NewEncoder(&answer)
	encoder.SetEscapeHTML(false)
	if encoder.Encode(v) != nil {
		return nil, errors.New("function: the answer is not JSON")
	}
	return bytes.TrimSuffix(answer.Bytes(), []byte("\n")), nil
}

// guard reports a panic by its type and its place in the code, without its value.
type guard struct{ handler lambda.Handler }

// Invoke ends the process after a panic, as aws-lambda-go does.
func (g guard) Invoke(ctx context.Context, payload []byte) (answer []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			answer, err = nil, messages.InvokeResponse_Error{
				Type: "panic", Message: fmt.Sprintf("function: panic of type %T", p), StackTrace: stack(), ShouldExit: true,
			}
		}
	}()
	return g.handler.Invoke(ctx, payload)
}

const (
	// maxFrames bounds the report of a panic.
	maxFrames = 32
	// ownFrames are runtime.Callers, stack and the deferred function.
	ownFrames = 3
)

// stack is where the panic came from.
func stack() []*messages.InvokeResponse_Error_StackFrame {
	pcs := make([]uintptr, maxFrames)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(ownFrames, pcs)])
	var out []*messages.InvokeResponse_Error_StackFrame
	for {
		frame, more := frames.Next()
		out = append(out, &messages.InvokeResponse_Error_StackFrame{Path: frame.File, Line: int32(frame.Line), Label: frame.Function})
		if !more {
			return out
		}
	}
}
