// Package confirm decides what Cognito's PostConfirmation trigger says about a
// person, and publishes it.
//
// It exists because one trigger stands for three acts: a sign-up that was
// confirmed, a federated user's first sign-in, and a password that was reset.
// Only the first two make a user.
package confirm

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
)

// The sources of the trigger
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-post-confirmation.html).
const (
	sourceSignUp         = "PostConfirmation_ConfirmSignUp"
	sourceForgotPassword = "PostConfirmation_ConfirmForgotPassword"
)

// Publisher sends one event and never keeps the person waiting.
type Publisher interface {
	Publish(context.Context, event.Event) (publish.Outcome, error)
}

// Confirmer answers the trigger.
type Confirmer struct {
	Publisher Publisher
}

// Run publishes what the call stands for. Its error is logged by the shell
// around it and never reaches the person.
func (c *Confirmer) Run(ctx context.Context, call trigger.Call) error {
	evs, err := events(call)
	if err != nil {
		return err
	}
	var errs []error
	for _, ev := range evs {
		// Each event goes its own way: the second is not lost with the first.
		if _, err := c.Publisher.Publish(ctx, ev); err != nil {
			errs = append(errs, fmt.Errorf("publish.Publish: %w", err))
		}
	}
	return errors.Join(errs...)
}

// events are the events of one call.
func events(call trigger.Call) ([]event.Event, error) {
	switch {
	case call.Source == sourceForgotPassword:
		return list(contracts.NewPasswordReset(call.Act))
	case call.Source != sourceSignUp:
		return nil, fmt.Errorf("confirm: unknown trigger source of %d bytes", len(call.Source))
	case !federated(call.Attributes):
		return list(contracts.NewUserCreated(call.Act, contracts.UserCreated{Via: contracts.ViaSignup}))
	}
	created, err := contracts.NewUserCreated(call.Act, contracts.UserCreated{Via: contracts.ViaFederation})
	if err != nil {
		return nil, fmt.Errorf("contracts.NewUserCreated: %w", err)
	}
	// Cognito fires no sign-in trigger for a federated user's first sign-in, so
	// this is the only place that can tell of it. A user has one first sign-in:
	// its id is derived, so that a call which Cognito repeats gives the same.
	first := call.Act
	first.ID = contracts.CreatedID(call.Act.PoolARN+"#first-sign-in", call.Act.Subject)
	signedIn, err := contracts.NewSigninSucceeded(first, contracts.SigninSucceeded{Via: contracts.ViaFederation})
	if err != nil {
		return nil, fmt.Errorf("contracts.NewSigninSucceeded: %w", err)
	}
	return []event.Event{created, signedIn}, nil
}

func list(ev event.Event, err error) ([]event.Event, error) {
	if err != nil {
		return nil, fmt.Errorf("contracts: %w", err)
	}
	return []event.Event{ev}, nil
}

// federated reports whether an identity provider brought the user. Cognito
// says so by the status; pools with linked identities by the list of them.
func federated(attributes map[string]string) bool {
	if attributes["cognito:user_status"] == "EXTERNAL_PROVIDER" {
		return true
	}
	identities := attributes["identities"]
	return identities != "" && identities != "[]"
}
