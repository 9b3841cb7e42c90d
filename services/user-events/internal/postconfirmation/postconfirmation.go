// Package postconfirmation publishes what Cognito's PostConfirmation trigger
// reports: that a user was created, or a password reset.
//
// One trigger stands for three acts: a sign-up that was confirmed, a federated
// user's first sign-in, and a password that was reset. Only the first two create a
// user.
package postconfirmation

import (
	"context"
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/publish"
	"gatehouse.example/lambdakit/trigger"
)

// Trigger sources
// (https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-post-confirmation.html).
const (
	sourceSignUp         = "PostConfirmation_ConfirmSignUp"
	sourceForgotPassword = "PostConfirmation_ConfirmForgotPassword"
)

// Publisher sends events together, within one time limit.
type Publisher interface {
	Publish(context.Context, ...event.Event) ([]publish.Outcome, error)
}

// Confirmer answers the trigger.
type Confirmer struct {
	Publisher Publisher
}

// Run publishes the events of a call. [trigger.Handler] logs its error; the person
// never sees it.
func (c *Confirmer) Run(ctx context.Context, call trigger.Call) error {
	evs, err := events(call)
	if err != nil {
		return err
	}
	if _, err := c.Publisher.Publish(ctx, evs...); err != nil {
		return fmt.Errorf("publish.Publish: %w", err)
	}
	return nil
}

// events are the events of one call.
func events(call trigger.Call) ([]event.Event, error) {
	switch {
	case call.Source == sourceForgotPassword:
		return list(contracts.NewPasswordReset(call.Act))
	case call.Source != sourceSignUp:
		return nil, fmt.Errorf("postconfirmation: unknown trigger source of %d bytes", len(call.Source))
	case !federated(call.Attributes):
		return list(contracts.NewUserCreated(call.Act, contracts.UserCreated{Via: contracts.ViaSignup}))
	}
	created, err := contracts.NewUserCreated(call.Act, contracts.UserCreated{Via: contracts.ViaFederation})
	if err != nil {
		return nil, fmt.Errorf("contracts.NewUserCreated: %w", err)
	}
	// Cognito calls no sign-in trigger for a federated user's first sign-in, so
	// it is reported here. Its id is derived from the user, so that a call which
	// Cognito repeats gives the same id.
	first := call.Act
	first.ID = contracts.FirstSignInID(call.Act.PoolARN, call.Act.Subject)
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

// federated reports whether the user comes from an identity provider. Cognito shows
// it in the status, and in pools with linked identities in the list of identities.
func federated(attributes map[string]string) bool {
	if attributes["cognito:user_status"] == "EXTERNAL_PROVIDER" {
		return true
	}
	identities := attributes["identities"]
	return identities != "" && identities != "[]"
}
