package tracing

import (
	"errors"

	"github.com/aws/aws-xray-sdk-go/v2/strategy/exception"

	"gatehouse.example/lambdakit/reason"
)

// frames of the stack that are reported with an error.
const frames = 16

// codes reports errors as the SDK does, but for their texts: AWS's can quote the
// request, which is somebody's row.
type codes struct {
	*exception.DefaultFormattingStrategy
}

func newCodes() codes {
	return codes{&exception.DefaultFormattingStrategy{FrameCount: frames}}
}

// ExceptionFromError is what the SDK calls for every error.
func (c codes) ExceptionFromError(err error) exception.Exception {
	e := c.DefaultFormattingStrategy.ExceptionFromError(err)
	e.Message = reason.Of(err)
	var p panicked
	if errors.As(err, &p) {
		e.Type, e.Message = "panic", p.kind
	}
	return e
}

// panicked stands for a panic, whose value may hold anything.
type panicked struct{ kind string }

func (p panicked) Error() string { return "panic of type " + p.kind }
