// Package signin publishes an event before and after each sign-in. It serves the
// PreAuthentication and the PostAuthentication trigger, neither of which ever
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

// errSource is for a function that is attached to the wrong trigger. It is logged,
// and the person continues.
var errSource = errors.New("signin: unknown trigger source; is the function attached to the right trigger?")

// Publisher is what the triggers need of lambdakit/publish.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Attempted handles the PreAuthentication trigger.
func Attempted(p Publisher) trigger.Func {
	return func(ctx context.Context, call trigger.Call) error {
		if call.Source != sourcePre {
			return errSource
		}
		act := call.Act
		if call.UserNotFound {
			// There is no user, whatever attributes the payload has.
			act.Subject = ""
		}
		ev, err := contracts.NewSigninAttempted(act, contracts.SigninAttempted{UserNotFound: call.UserNotFound})
		if err != nil {
			return fmt.Errorf("contracts.NewSigninAttempted: %w", err)
		}
		return send(ctx, p, ev)
	}
}

// Succeeded handles the PostAuthentication trigger.
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

// send ignores the outcome: the publisher logs and counts an event that the topic
// did not take.
func send(ctx context.Context, p Publisher, ev event.Event) error {
	if _, err := p.Publish(ctx, ev); err != nil {
		return fmt.Errorf("publish.Publish: %w", err)
	}
	return nil
}
