package recorder

import "time"

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
