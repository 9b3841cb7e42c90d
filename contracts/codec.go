package contracts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"
)

// MaxEventBytes is the largest event that Gatehouse publishes or accepts. SNS
// and SQS take 256 KiB, message attributes included
// (https://docs.aws.amazon.com/sns/latest/dg/sns-message-attributes.html).
const MaxEventBytes = 64 << 10

// Encode writes an event in structured JSON mode, the body of an SNS message.
// CloudEvents has no SNS binding, so this is ours: structured JSON in the body,
// [Attributes] as message attributes.
func Encode(ev event.Event) ([]byte, error) {
	if err := ev.Validate(); err != nil {
		return nil, fmt.Errorf("event.Validate: %w", err)
	}
	body, err := json.Marshal(ev)
	if err != nil {
		return nil, fmt.Errorf("json.Marshal: %w", err)
	}
	if len(body) > MaxEventBytes {
		return nil, fmt.Errorf("contracts: event of %d bytes is larger than %d", len(body), MaxEventBytes)
	}
	return body, nil
}

// Decode reads what [Encode] wrote and refuses what is not a valid CloudEvent.
// It does not check the type: a consumer ignores types that it does not know.
func Decode(body []byte) (event.Event, error) {
	if len(body) > MaxEventBytes {
		return event.Event{}, fmt.Errorf("contracts: event of %d bytes is larger than %d", len(body), MaxEventBytes)
	}
	ev, err := unmarshal(body)
	if err != nil {
		return event.Event{}, fmt.Errorf("json.Unmarshal: %w", err)
	}
	if ev.SpecVersion() != event.CloudEventsVersionV1 {
		return event.Event{}, fmt.Errorf("contracts: specversion is not %s", event.CloudEventsVersionV1)
	}
	if err := ev.Validate(); err != nil {
		return event.Event{}, fmt.Errorf("event.Validate: %w", err)
	}
	return ev, nil
}

// unmarshal turns a panic of the decoder into an error, so that one bad
// message cannot fail its batch: the SDK slices a data_base64 without checking
// that it is a string (v2.16.2, consumeDataAsBytes).
func unmarshal(body []byte) (ev event.Event, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic of type %T", p)
		}
	}()
	err = json.Unmarshal(withoutNulls(body), &ev)
	return ev, err
}

// withoutNulls removes the attributes that are null, which a decoder must treat as
// omitted, and leaves everything else as it is
// (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md#22-type-system-mapping).
// The SDK refuses most of them (v2.16.2). A null in data is a payload. What is not an
// object is returned unchanged, for the SDK to refuse.
func withoutNulls(body []byte) []byte {
	if !bytes.Contains(body, []byte("null")) {
		return body
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return body
	}
	out, found := []byte{'{'}, false
	for d.More() {
		from := d.InputOffset()
		name, err := d.Token()
		if err != nil {
			return body
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return body
		}
		if string(value) == "null" && name != "data" && name != "data_base64" {
			found = true
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, bytes.TrimLeft(body[from:d.InputOffset()], ", \t\r\n")...)
	}
	if _, err := d.Token(); err != nil || !found {
		return body
	}
	return append(append(out, '}'), body[d.InputOffset():]...)
}

// Attributes are the message attributes for subscription filters: they repeat an
// event's type, its client and whether it is synthetic. Encryption does not cover
// them, so they must contain nothing else.
func Attributes(ev event.Event) map[string]string {
	attrs := map[string]string{"type": ev.Type()}
	if id := ClientID(ev); id != "" {
		attrs[ClientIDExtension] = id
	}
	if IsSynthetic(ev) {
		attrs[SyntheticExtension] = "true"
	}
	return attrs
}

// IsSynthetic reports whether an event has the mark. Only the value in the schema
// counts, because consumers exclude marked events.
func IsSynthetic(ev event.Event) bool {
	mark, ok := ev.Extensions()[SyntheticExtension].(bool)
	return ok && mark
}

// IsSyntheticAddress reports whether an email address belongs to a synthetic user:
// its domain is [SyntheticDomain] or a subdomain.
func IsSyntheticAddress(email string) bool {
	const domain, sub = "@" + SyntheticDomain, "." + SyntheticDomain
	return hasSuffixFold(email, domain) || hasSuffixFold(email, sub) && strings.Contains(email, "@")
}

func hasSuffixFold(s, suffix string) bool {
	return len(s) >= len(suffix) && strings.EqualFold(s[len(s)-len(suffix):], suffix)
}

// ClientID is the app client that an event names, or empty.
func ClientID(ev event.Event) string {
	id, err := types.ToString(ev.Extensions()[ClientIDExtension])
	if err != nil {
		return ""
	}
	return id
}
