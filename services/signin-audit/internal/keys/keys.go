// Package keys makes the keys of the audit table. The recorder writes them and
// the function behind /activity reads by them, so they are made in one place.
package keys

import "time"

// TimeLayout is RFC 3339 with a fixed number of digits, so that keys sort as
// the acts did.
const TimeLayout = "2006-01-02T15:04:05.000000000Z"

// Stamp writes a time as keys have it.
func Stamp(at time.Time) string { return at.UTC().Format(TimeLayout) }

// User is the partition of a person's rows.
func User(sub string) string { return "user#" + sub }

// Nobody is the partition of the rows of one day and pool that name no person.
func Nobody(pool, day string) string { return "none#" + pool + "#" + day }

// Sort is the key of a row in its partition.
func Sort(stamp, id string) string { return stamp + "#" + id }
