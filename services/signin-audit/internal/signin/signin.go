// Package signin turns what Cognito says before and after a sign-in into
// events. It exists as one package because the two triggers are one piece of
// work with two sources, and must stay equally harmless: neither of them ever
// refuses a person.
package signin

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
)

// The trigger sources that the two functions know.
const (
	sourcePre  = "PreAuthentication_Authentication"
	sourcePost = "PostAuthentication_Authentication"
)

// errSource is for a function that was attached to a trigger it does not know;
// the shell logs it with the source and lets the person through.
var errSource = errors.New("signin: unknown trigger source; is the function attached to the right trigger?")

// Publisher is what the triggers need of lambdakit/publish.
type Publisher interface {
	Publish(context.Context, event.Event) (publish.Outcome, error)
}

// Attempted is the work of the PreAuthentication trigger.
func Attempted(p Publisher) trigger.Func {
	return func(ctx context.Context, call trigger.Call) error {
		if call.Source != sourcePre {
			return errSource
		}
		act := call.Act
		if call.UserNotFound {
			// Nobody is meant, whatever attributes came along.
			act.Subject = ""
		}
		ev, err := contracts.NewSigninAttempted(act, contracts.SigninAttempted{UserNotFound: call.UserNotFound})
		if err != nil {
			return fmt.Errorf("contracts.NewSigninAttempted: %w", err)
		}
		return send(ctx, p, ev)
	}
}

// Succeeded is the work of the PostAuthentication trigger.
func Succeeded(p Publisher) trigger.Func {
	return func(ctx context.Context, call trigger.Call) error {
		if call.Source != sourcePost {
			return errSource
		}
		ev, err := contracts.NewSigninSucceeded(call.Act, contracts.SigninSucceeded{NewDevice: call.NewDevice})
		if err != nil {
			return fmt.Errorf("contracts.NewSigninSucceeded: %w", err)
		}
		return send(ctx, p, ev)
	}
}

// send leaves the outcome to the publisher, which logs and counts the ways
// that are not the first.
func send(ctx context.Context, p Publisher, ev event.Event) error {
	if _, err := p.Publish(ctx, ev); err != nil {
		return fmt.Errorf("publish.Publish: %w", err)
	}
	return nil
}
