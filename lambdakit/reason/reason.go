// Package reason turns an error of an AWS call into a few words that are safe to
// log. AWS's own messages are not: one quotes the signed headers, session token
// included, and others quote their input.
package reason

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// maxCode bounds an error code, which comes from the network.
const maxCode = 64

// Of says in a few words why a call to AWS failed, such as
// "SNS.Publish KMSAccessDenied HTTP 403". It is made of codes only.
func Of(err error) string {
	var words []string
	var op *smithy.OperationError
	if errors.As(err, &op) {
		words = append(words, op.Service()+"."+op.Operation())
	}
	words = append(words, Name(err))
	var response *smithyhttp.ResponseError
	if errors.As(err, &response) {
		words = append(words, fmt.Sprintf("HTTP %d", response.HTTPStatusCode()))
	}
	return strings.Join(words, " ")
}

// Name is the one word for an error that others have in common with it, such as
// "KMSAccessDenied" or "timeout"; of an error without a code it is the Go type.
func Name(err error) string {
	var api smithy.APIError
	var network *net.OpError
	switch {
	case errors.As(err, &api):
		return plain(api.ErrorCode())
	case errors.Is(err, context.DeadlineExceeded):
		return "timeout"
	case errors.As(err, &network):
		return "network " + network.Op
	}
	return fmt.Sprintf("%T", root(err))
}

// Safe is err with the text of [Of], for errors that are passed on to what writes their
// text. [errors.As] and [errors.Is] see err.
func Safe(err error) error { return safe{err} }

type safe struct{ err error }

func (s safe) Error() string { return Of(s.err) }
func (s safe) Unwrap() error { return s.err }

// plain keeps the characters that occur in AWS's error codes.
func plain(code string) string {
	kept := strings.Map(func(r rune) rune {
		switch {
		case '0' <= r && r <= '9', 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', r == '.', r == '_', r == '-':
			return r
		}
		return -1
	}, code)
	return kept[:min(len(kept), maxCode)]
}

// root returns the innermost error of a chain.
func root(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}
