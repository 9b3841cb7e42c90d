package tracing

import (
	"errors"

	"github.com/aws/aws-xray-sdk-go/v2/strategy/exception"

	"gatehouse.example/lambdakit/reason"
)

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
	e.Message = reason.Of(err)
	var p panicked
	if errors.As(err, &p) {
		e.Type, e.Message = "panic", p.kind
	}
	return e
}

// panicked replaces a panic, whose value may contain anything.
type panicked struct{ kind string }

func (p panicked) Error() string { return "panic of type " + p.kind }
