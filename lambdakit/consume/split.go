package consume

// Split divides a batch, in its order, into parts for one request each: of at most entries
// events, whose sizes add up to at most bytes. A larger event has a part of its own.
func Split(batch []Record, entries, bytes int, size func(Record) int) [][]Record {
	var parts [][]Record
	start, sum := 0, 0
	for i, r := range batch {
		n := size(r)
		if i > start && (i-start == entries || sum+n > bytes) {
			parts = append(parts, batch[start:i])
			start, sum = i, 0
		}
		sum += n
	}
	if start < len(batch) {
		parts = append(parts, batch[start:])
	}
	return parts
}
