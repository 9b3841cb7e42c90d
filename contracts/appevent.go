package contracts

import (
	"errors"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
)

// Bounds of an app event. They are narrow on purpose: every subscriber gets what
// an app writes, so nothing fits that looks like an address, a sentence, a place,
// a phone number or a sub.
const (
	MaxAppName   = 64
	MaxAppValues = 16
	MaxAppNumber = 1_000_000
	maxWord      = 32
)

// NewAppEvent makes an event of [TypeAppEvent].
func NewAppEvent(a Act, d AppEvent) (event.Event, error) {
	switch {
	case a.Subject != "" || a.ClientID != "" || a.Synthetic:
		return event.Event{}, errors.New("contracts: an app.event has no subject")
	case d.Who != WhoGuest && d.Who != WhoUser:
		return event.Event{}, errors.New("contracts: app.event is neither a guest's nor a user's")
	case !IsAppName(d.Name):
		return event.Event{}, errors.New("contracts: app.event without a well-formed name")
	case len(d.Values) > MaxAppValues:
		return event.Event{}, errors.New("contracts: app.event with too many values")
	}
	for key, value := range d.Values {
		if !IsWord(key) || !isAppValue(value) {
			return event.Event{}, errors.New("contracts: app.event with a value of another type")
		}
	}
	return newEvent(TypeAppEvent, a, d)
}

// IsAppName reports whether s can name an app event.
func IsAppName(s string) bool {
	if len(s) > MaxAppName {
		return false
	}
	for word := range strings.SplitSeq(s, ".") {
		if !IsWord(word) {
			return false
		}
	}
	return true
}

// IsWord reports whether s is a letter followed by letters, digits, hyphens and
// underscores, all of them lower-case ASCII, and at most 32 in all: enough for
// "checkout_step", too little for a sub.
func IsWord(s string) bool {
	const letters, others = "abcdefghijklmnopqrstuvwxyz", "0123456789-_"
	return s != "" && len(s) <= maxWord && strings.Contains(letters, s[:1]) && strings.Trim(s, letters+others) == ""
}

func isAppValue(value any) bool {
	switch v := value.(type) {
	case bool:
		return true
	case int64:
		return -MaxAppNumber <= v && v <= MaxAppNumber
	case string:
		return IsWord(v)
	}
	return false
}
