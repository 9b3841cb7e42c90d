package metrics

import (
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/emf"
	"gatehouse.example/lambdakit/publish"
)

// Names of the metrics, in addition to those of lambdakit/publish.
const (
	SignUpsAllowed     = "SignUpsAllowed"
	SignUpsRejected    = "SignUpsRejected"
	UsersCreated       = "UsersCreated"
	PasswordsReset     = "PasswordsReset"
	SignInsAttempted   = "SignInsAttempted"
	SignInsUnknownUser = "SignInsUnknownUser"
	SignInsSucceeded   = "SignInsSucceeded"
	AppEvents          = "AppEvents"
	AppEventsDelayed   = "AppEventsDelayed"
	AppEventsRefused   = "AppEventsRefused"
	EventsConsumed     = "EventsConsumed"
	EventsDrained      = "EventsDrained"
	EventAge           = "EventAge"
	// SyntheticEvents counts the events about synthetic users. No other metric
	// counts them: a test must not look like people.
	SyntheticEvents = "SyntheticEvents"
)

// maxName bounds the value of a dimension: each value is billed.
const maxName = 64

// addZeros adds zero to every metric without a dimension, so that graphs and alarms
// of rare events have data while the system is in use.
func addZeros(b *emf.Batch) {
	for _, name := range []string{
		SignUpsAllowed, SignUpsRejected, UsersCreated, PasswordsReset,
		SignInsAttempted, SignInsUnknownUser, SignInsSucceeded, EventsConsumed,
		AppEvents, AppEventsDelayed, AppEventsRefused, SyntheticEvents,
		publish.MetricFellBack, publish.MetricLogged, EventsDrained,
	} {
		b.Add(name, emf.Count, 0)
	}
}

// reading returns what an event adds to the metrics. An unknown type is counted as
// consumed only, because new types are published before this function knows them.
func reading(ev event.Event) (func(*emf.Batch), error) {
	var name string
	var dims []emf.Dimension
	unknownUser := false
	switch ev.Type() {
	case contracts.TypeSignupAllowed:
		name = SignUpsAllowed
	case contracts.TypeSignupRejected:
		var data contracts.SignupRejected
		if ev.DataAs(&data) != nil {
			return nil, unreadable(ev)
		}
		name, dims = SignUpsRejected, dimension("Reason", data.Reason)
	case contracts.TypeUserCreated:
		name = UsersCreated
	case contracts.TypePasswordReset:
		name = PasswordsReset
	case contracts.TypeSigninAttempted:
		var data contracts.SigninAttempted
		if ev.DataAs(&data) != nil {
			return nil, unreadable(ev)
		}
		name, dims, unknownUser = SignInsAttempted, dimension("ClientId", contracts.ClientID(ev)), data.UserNotFound
	case contracts.TypeSigninSucceeded:
		name, dims = SignInsSucceeded, dimension("ClientId", contracts.ClientID(ev))
	case contracts.TypeAppEvent:
		name = AppEvents
	}
	if contracts.IsSynthetic(ev) {
		return func(b *emf.Batch) { b.Add(SyntheticEvents, emf.Count, 1) }, nil
	}
	return func(b *emf.Batch) {
		b.Add(EventsConsumed, emf.Count, 1)
		if name == "" {
			return
		}
		b.Add(name, emf.Count, 1)
		if len(dims) > 0 {
			b.Add(name, emf.Count, 1, dims...)
		}
		if unknownUser {
			b.Add(SignInsUnknownUser, emf.Count, 1)
		}
	}, nil
}

// unreadable does not wrap the decoder's error, which can quote the data.
func unreadable(ev event.Event) error {
	return fmt.Errorf("metrics: the data of an event of type %s has another shape", ev.Type())
}

// dimension is one dimension, or none if the value is missing or too long.
func dimension(name, value string) []emf.Dimension {
	if value == "" || len(value) > maxName {
		return nil
	}
	return []emf.Dimension{{Name: name, Value: value}}
}
