package bridge

import "gatehouse.example/lambdakit/consume"

// EventBridge accepts ten entries and 256 KiB in one request, and ten of the largest
// events are larger
// (https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevent-size.html).
const (
	maxEntries = 10
	// maxBytes leaves room for the other fields of an entry.
	maxBytes = 240 << 10
)

// split divides a batch, in its order, into requests that fit.
func split(batch []consume.Record) [][]consume.Record {
	var parts [][]consume.Record
	start, bytes := 0, 0
	for i, r := range batch {
		if i > start && (i-start == maxEntries || bytes+len(r.Body) > maxBytes) {
			parts = append(parts, batch[start:i])
			start, bytes = i, 0
		}
		bytes += len(r.Body)
	}
	if start < len(batch) {
		parts = append(parts, batch[start:])
	}
	return parts
}
