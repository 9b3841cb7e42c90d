package telemetry

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// header is a value of the header that carries a trace from service to service
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader).
type header struct {
	Root string
	// Parent is the segment that the receiver's hang below, or empty.
	Parent string
	// Unsampled traces have no segments. If the caller leaves the decision to the
	// receiver, the trace is sampled: a laptop has no need to save.
	Unsampled bool
}

// parseHeader reads a header's value; ok is false if it names no trace. An
// invalid parent is left out, because a trace without one is still a trace. The X-Ray
// SDK has a parser too, which accepts any text as an id.
func parseHeader(value string) (h header, ok bool) {
	for field := range strings.SplitSeq(value, ";") {
		name, text, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Root":
			h.Root = text
		case "Parent":
			h.Parent = text
		case "Sampled":
			h.Unsampled = text == "0"
		}
	}
	if !isSegmentID(h.Parent) {
		h.Parent = ""
	}
	if !isTraceID(h.Root) {
		return header{}, false
	}
	return h, true
}

// String is the header's value.
func (h header) String() string {
	text := "Root=" + h.Root
	if h.Parent != "" {
		text += ";Parent=" + h.Parent
	}
	if h.Unsampled {
		return text + ";Sampled=0"
	}
	return text + ";Sampled=1"
}

// newTraceID makes the id of a trace that begins now.
func newTraceID(now time.Time) string {
	return fmt.Sprintf("1-%08x-%s", now.Unix(), random(12))
}

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// isTraceID reports whether s has the form 1-<8 digits>-<24 digits>. X-Ray takes
// its time from the client and does not check it, so this does not either.
func isTraceID(s string) bool {
	const length = 1 + 1 + 8 + 1 + 24
	return len(s) == length && s[:2] == "1-" && s[10] == '-' && isHex(s[2:10]) && isHex(s[11:])
}

// isSegmentID reports whether s has 16 hexadecimal digits.
func isSegmentID(s string) bool { return len(s) == 16 && isHex(s) }

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }

// began is the time in a trace's id, which is the client's.
func began(traceID string) time.Time {
	seconds, _ := strconv.ParseInt(traceID[2:10], 16, 64) // the id was checked
	return time.Unix(seconds, 0).UTC()
}
