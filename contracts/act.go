package contracts

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
)

// ClientIDExtension is the CloudEvents extension attribute that names the app
// client; it is repeated as a message attribute so that subscribers can filter.
const ClientIDExtension = "clientid"

// SyntheticExtension marks an event about a synthetic user, such as that of a
// canary (docs/adr/0017). If present it is true; it is repeated as a message
// attribute so that subscribers can filter.
const SyntheticExtension = "synthetic"

// SyntheticDomain is the domain of SES's mailbox simulator
// (https://docs.aws.amazon.com/ses/latest/dg/send-an-email-from-console.html#send-email-simulator).
// Nobody has a mailbox there, so nobody can confirm an address below it.
const SyntheticDomain = "simulator.amazonses.com"

// TraceParentExtension carries the W3C trace context across SNS and SQS
// (https://github.com/cloudevents/spec/blob/main/cloudevents/extensions/distributed-tracing.md).
const TraceParentExtension = "traceparent"

// SchemaBase is the folder of the JSON Schemas in an event's dataschema.
const SchemaBase = "https://gatehouse.example/schemas/"

// Act says what every event has in common.
type Act struct {
	// ID is the event's id. Empty means a random one, drawn once.
	ID string
	// PoolARN is the ARN of the user pool.
	PoolARN string
	// Subject is the user's sub; empty if Cognito has none. It has letters, digits
	// and hyphens only, so it cannot be an address.
	Subject string
	// ClientID is the app client; empty if there was none.
	ClientID string
	// Time of the act; required.
	Time time.Time
	// TraceParent is a W3C traceparent, or empty.
	TraceParent string
	// Synthetic reports whether the act is about a synthetic user.
	Synthetic bool
}

// NewSignupAllowed makes an event of [TypeSignupAllowed].
func NewSignupAllowed(a Act, d SignupAllowed) (event.Event, error) {
	return newEvent(TypeSignupAllowed, a, d)
}

// NewSignupRejected makes an event of [TypeSignupRejected].
func NewSignupRejected(a Act, d SignupRejected) (event.Event, error) {
	return newEvent(TypeSignupRejected, a, d)
}

// NewUserCreated makes an event of [TypeUserCreated]. Its id is derived from
// the pool and the sub, so that all events about the same creation have
// the same id; a.ID is not used.
func NewUserCreated(a Act, d UserCreated) (event.Event, error) {
	if a.Subject == "" {
		return event.Event{}, errors.New("contracts: user.created needs a subject")
	}
	a.ID = CreatedID(a.PoolARN, a.Subject)
	return newEvent(TypeUserCreated, a, d)
}

// NewPasswordReset makes an event of [TypePasswordReset].
func NewPasswordReset(a Act) (event.Event, error) {
	return newEvent(TypePasswordReset, a, PasswordReset{})
}

// NewSigninAttempted makes an event of [TypeSigninAttempted].
func NewSigninAttempted(a Act, d SigninAttempted) (event.Event, error) {
	return newEvent(TypeSigninAttempted, a, d)
}

// NewSigninSucceeded makes an event of [TypeSigninSucceeded].
func NewSigninSucceeded(a Act, d SigninSucceeded) (event.Event, error) {
	return newEvent(TypeSigninSucceeded, a, d)
}

// isSub rejects what cannot be a sub, such as an address or a user name with
// blanks. Cognito's subs are UUIDs; the check accepts more, because other user
// pools may have other subs.
func isSub(s string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-"
	return len(s) <= 64 && strings.Trim(s, letters) == ""
}

func newEvent(typ string, a Act, data any) (event.Event, error) {
	if a.ID == "" {
		id, err := uuid.NewRandom()
		if err != nil {
			return event.Event{}, fmt.Errorf("uuid.NewRandom: %w", err)
		}
		a.ID = id.String()
	}
	switch {
	case a.Time.IsZero():
		return event.Event{}, errors.New("contracts: an event needs a time")
	case !isSub(a.Subject):
		return event.Event{}, errors.New("contracts: the subject is not a sub")
	}
	ev := event.New(event.CloudEventsVersionV1)
	ev.SetType(typ)
	ev.SetID(a.ID)
	ev.SetSource(a.PoolARN)
	ev.SetTime(a.Time.UTC())
	ev.SetDataSchema(SchemaBase + typ + ".json")
	if a.Subject != "" {
		ev.SetSubject(a.Subject)
	}
	if a.ClientID != "" {
		ev.SetExtension(ClientIDExtension, a.ClientID)
	}
	if a.Synthetic {
		ev.SetExtension(SyntheticExtension, true)
	}
	if a.TraceParent != "" {
		ev.SetExtension(TraceParentExtension, a.TraceParent)
	}
	if err := ev.SetData(event.ApplicationJSON, data); err != nil {
		return event.Event{}, fmt.Errorf("event.SetData: %w", err)
	}
	if err := ev.Validate(); err != nil {
		return event.Event{}, fmt.Errorf("event.Validate: %w", err)
	}
	return ev, nil
}
