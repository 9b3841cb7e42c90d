package recorder

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
)

// Row is one row of the audit table; [Row.item] names its attributes.
type Row struct {
	// PK is "user#<sub>", or "none#<pool id>#<day>" for an event without a subject.
	PK string
	// SK is "<time>#<id>".
	SK string
	// Day and TypeTime are the key of the index by day: "<type>#<time>#<id>".
	Day, TypeTime string

	ID, Type, Time, Pool, Client, Sub string
	// Data is the event's data as compact JSON; empty if it has none.
	Data       string
	ReceivedAt string
	// Synthetic is set for a synthetic user, so that readers can leave such rows
	// out.
	Synthetic bool
	// ExpiresAt is in seconds since 1970; 0 keeps the row forever.
	ExpiresAt int64
}

// newRow makes the row of an event. Apart from ReceivedAt it depends on the event
// alone: every copy of an event has the same key and the same content.
func newRow(ev event.Event, at, received time.Time, retention time.Duration) (Row, error) {
	if at.IsZero() {
		// Without a time, every copy would have a time and a row of its own.
		return Row{}, errors.New("recorder: event without a time")
	}
	data, err := compact(ev.Data())
	if err != nil {
		return Row{}, err
	}
	stamp, day := Stamp(at), at.UTC().Format(time.DateOnly)
	pool := poolID(ev.Source())
	pk := NobodyKey(pool, day)
	if ev.Subject() != "" {
		pk = UserKey(ev.Subject())
	}
	r := Row{
		PK: pk, SK: SortKey(stamp, ev.ID()),
		Day: day, TypeTime: ev.Type() + "#" + stamp + "#" + ev.ID(),
		ID: ev.ID(), Type: ev.Type(), Time: stamp, Pool: pool,
		Client: contracts.ClientID(ev), Sub: ev.Subject(), Data: data,
		ReceivedAt: Stamp(received), Synthetic: contracts.IsSynthetic(ev),
	}
	if retention > 0 {
		// Counted from the act, not from now: a copy must not be kept longer.
		r.ExpiresAt = at.Add(retention).Unix()
	}
	return r, nil
}

// poolID is the last part of a pool's ARN. A source of another kind is not changed.
func poolID(source string) string {
	if _, id, found := strings.Cut(source, ":userpool/"); found {
		return id
	}
	return source
}

// compact removes the spaces from JSON. Data of another media type, which an event of
// an unknown type may have, is kept as a JSON string.
func compact(data []byte) (string, error) {
	if len(data) == 0 {
		return "", nil
	}
	var b bytes.Buffer
	if json.Compact(&b, data) == nil {
		return b.String(), nil
	}
	text, err := json.Marshal(string(data))
	if err != nil {
		return "", fmt.Errorf("json.Marshal: %w", err)
	}
	return string(text), nil
}

// TimeLayout is RFC 3339 with a fixed number of digits, so that keys sort by time.
const TimeLayout = "2006-01-02T15:04:05.000000000Z"

// Stamp formats a time for a key.
func Stamp(at time.Time) string { return at.UTC().Format(TimeLayout) }

// UserKey is the partition of a person's rows.
func UserKey(sub string) string { return "user#" + sub }

// NobodyKey is the partition of the rows of one day and pool that have no subject.
func NobodyKey(pool, day string) string { return "none#" + pool + "#" + day }

// SortKey is the key of a row in its partition.
func SortKey(stamp, id string) string { return stamp + "#" + id }
