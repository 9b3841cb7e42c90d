package count

import (
	"fmt"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/metrics"
	"gatehouse.example/lambdakit/publish"
)

// Names of the metrics, beside those of the ways an event went.
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
	// SyntheticEvents counts the events about users whom nobody can be; no other
	// metric does, or a test would look like people.
	SyntheticEvents = "SyntheticEvents"
)

// maxName bounds what becomes a dimension: each value of one is billed.
const maxName = 64

// addZeros adds nothing to every metric that has no dimension of its own, so
// that graphs and alarms of rare things have data while the system is in use.
func addZeros(b *metrics.Batch) {
	for _, name := range []string{
		SignUpsAllowed, SignUpsRejected, UsersCreated, PasswordsReset,
		SignInsAttempted, SignInsUnknownUser, SignInsSucceeded, EventsConsumed,
		AppEvents, AppEventsDelayed, AppEventsRefused, SyntheticEvents,
		publish.MetricFellBack, publish.MetricLogged, EventsDrained,
	} {
		b.Add(name, metrics.Count, 0)
	}
}

// reading returns what an event adds to the metrics. A type that it does not
// know is counted as consumed only, for new types come before new readers.
func reading(ev event.Event) (func(*metrics.Batch), error) {
	var name string
	var dims []metrics.Dimension
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
		return func(b *metrics.Batch) { b.Add(SyntheticEvents, metrics.Count, 1) }, nil
	}
	return func(b *metrics.Batch) {
		b.Add(EventsConsumed, metrics.Count, 1)
		if name == "" {
			return
		}
		b.Add(name, metrics.Count, 1)
		if len(dims) > 0 {
			b.Add(name, metrics.Count, 1, dims...)
		}
		if unknownUser {
			b.Add(SignInsUnknownUser, metrics.Count, 1)
		}
	}, nil
}

// unreadable does not wrap the decoder's error, which can quote the data.
func unreadable(ev event.Event) error {
	return fmt.Errorf("count: the data of an event of type %s has another shape", ev.Type())
}

// dimension is one dimension, or none where the value is missing or too long.
func dimension(name, value string) []metrics.Dimension {
	if value == "" || len(value) > maxName {
		return nil
	}
	return []metrics.Dimension{{Name: name, Value: value}}
}
