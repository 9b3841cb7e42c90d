package clientevents

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"gatehouse.example/contracts"
)

// Reason is why a message is refused. It is a dimension of a metric and part of a log
// line, so it never contains anything of the message.
type Reason string

// The reasons, in the order in which they are checked.
const (
	NotJSON      Reason = "not_json"
	UnknownField Reason = "unknown_field"
	BadName      Reason = "bad_name"
	BadTime      Reason = "bad_time"
	BadData      Reason = "bad_data"
)

// Error makes a reason an error.
func (r Reason) Error() string { return "clientevents: " + string(r) }

// An app keeps its events while it is offline, and its clock may be wrong.
const (
	oldest = 7 * 24 * time.Hour
	ahead  = 5 * time.Minute
)

// Parse reads a message: an object with name and, optionally, time and data. The error
// is a [Reason].
func Parse(body []byte, sent time.Time) (contracts.AppEvent, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return contracts.AppEvent{}, NotJSON
	}
	var out contracts.AppEvent
	for name := range fields {
		if name != "name" && name != "time" && name != "data" {
			return contracts.AppEvent{}, UnknownField
		}
	}
	name, ok := text(fields["name"])
	if !ok || !contracts.IsAppName(name) {
		return contracts.AppEvent{}, BadName
	}
	out.Name = name
	if raw, given := fields["time"]; given {
		claimed, ok := claimedAt(raw, sent)
		if !ok {
			return contracts.AppEvent{}, BadTime
		}
		out.ClaimedAt = claimed
	}
	if raw, given := fields["data"]; given {
		values, ok := valuesOf(raw)
		if !ok {
			return contracts.AppEvent{}, BadData
		}
		out.Values = values
	}
	return out, nil
}

// text is a JSON string; encoding/json would accept null as an empty one.
func text(raw json.RawMessage) (string, bool) {
	var s string
	if len(raw) == 0 || raw[0] != '"' || json.Unmarshal(raw, &s) != nil {
		return "", false
	}
	return s, true
}

func claimedAt(raw json.RawMessage, sent time.Time) (string, bool) {
	s, ok := text(raw)
	if !ok {
		return "", false
	}
	at, err := time.Parse(time.RFC3339, s)
	if err != nil || at.Before(sent.Add(-oldest)) || at.After(sent.Add(ahead)) {
		return "", false
	}
	return at.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano), true
}

func valuesOf(raw json.RawMessage) (map[string]any, bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil || fields == nil || len(fields) > contracts.MaxAppValues {
		return nil, false
	}
	values := map[string]any{}
	for key, raw := range fields {
		value, ok := valueOf(raw)
		if !ok || !contracts.IsWord(key) {
			return nil, false
		}
		values[key] = value
	}
	return values, true
}

// valueOf is a word, a boolean or a whole number. Fractions are refused because
// coordinates have them, and large numbers because telephone numbers are.
func valueOf(raw json.RawMessage) (any, bool) {
	switch {
	case bytes.Equal(raw, []byte("true")):
		return true, true
	case bytes.Equal(raw, []byte("false")):
		return false, true
	}
	if s, ok := text(raw); ok {
		return s, contracts.IsWord(s)
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	return n, err == nil && -contracts.MaxAppNumber <= n && n <= contracts.MaxAppNumber
}

// sentAt is when SQS accepted a message. Only SQS sets it.
func sentAt(attributes map[string]string) (time.Time, error) {
	ms, err := strconv.ParseInt(attributes["SentTimestamp"], 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("clientevents: message without the time at which SQS accepted it")
	}
	return time.UnixMilli(ms).UTC(), nil
}
