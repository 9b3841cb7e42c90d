package consume

import (
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"
)

// Retried is the log line about a message that failed and will be delivered again.
const Retried = "event not handled; it will be delivered again"

// Keys of the log lines about one message. `gatehouse events find` and `events outbox`
// read them.
const (
	MessageIDKey = "messageId"
	EventIDKey   = "id"
	EventTypeKey = "type"
	ErrorKey     = "error"
)

// maxName bounds an event's id and type in a log line. The schemas allow 128 characters.
const maxName = 128

// names are the attributes of a log line about a message: its id, and the id and type of
// the event in it, so that the event can be found from the line and the line from the
// event.
func names(m events.SQSMessage, known []Record) []any {
	out := []any{MessageIDKey, m.MessageId}
	at := slices.IndexFunc(known, func(r Record) bool { return r.MessageID == m.MessageId })
	if at < 0 {
		return out
	}
	ev := known[at].Event
	return append(out, EventIDKey, plain(ev.ID()), EventTypeKey, plain(ev.Type()))
}

func plain(name string) string {
	if !IsName(name) {
		return "unusual"
	}
	return name
}

// IsName reports whether an id, type or other name of an event is as services write it. Any
// text is a valid id or type of a CloudEvent, an address too, and those belong neither in a
// log nor on a screen.
func IsName(s string) bool {
	const allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:"
	return len(s) <= maxName && strings.Trim(s, allowed) == ""
}
