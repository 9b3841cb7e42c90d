package ledger_test

import (
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
)

// eventAt is an event that somebody claims at a time.
type eventAt struct {
	ev  event.Event
	now time.Time
}
