package xray

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// HeaderName is the HTTP header that carries a trace from service to service.
const HeaderName = "X-Amzn-Trace-Id"

// Header is a value of that header
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader).
type Header struct {
	Root string
	// Parent is the segment that the receiver's hang below, or empty.
	Parent string
	// Unsampled traces leave no segments anywhere. A caller who leaves the
	// decision to the receiver gets a sampled one: a laptop has no need to save.
	Unsampled bool
}

// ParseHeader reads a header's value; ok is false if it names no trace. A
// parent that is none is left out, for a trace without it is still a trace.
// The X-Ray SDK has a parser too, which takes any text for an id.
func ParseHeader(value string) (h Header, ok bool) {
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
	if !IsSegmentID(h.Parent) {
		h.Parent = ""
	}
	if !IsTraceID(h.Root) {
		return Header{}, false
	}
	return h, true
}

// String is the header's value.
func (h Header) String() string {
	text := "Root=" + h.Root
	if h.Parent != "" {
		text += ";Parent=" + h.Parent
	}
	if h.Unsampled {
		return text + ";Sampled=0"
	}
	return text + ";Sampled=1"
}

// NewTraceID makes the id of a trace that begins now.
func NewTraceID(now time.Time) string {
	return fmt.Sprintf("1-%08x-%s", now.Unix(), random(12))
}

// NewSegmentID makes the id of a segment.
func NewSegmentID() string { return random(8) }

func random(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// IsTraceID tells whether s has the form 1-<8 digits>-<24 digits>. X-Ray takes
// its time from the client and does not check it, so this does not either.
func IsTraceID(s string) bool {
	const length = 1 + 1 + 8 + 1 + 24
	return len(s) == length && s[:2] == "1-" && s[10] == '-' && isHex(s[2:10]) && isHex(s[11:])
}

// IsSegmentID tells whether s has 16 hexadecimal digits.
func IsSegmentID(s string) bool { return len(s) == 16 && isHex(s) }

func isHex(s string) bool { return strings.Trim(s, "0123456789abcdefABCDEF") == "" }

// began is the time in a trace's id, which is the client's.
func began(traceID string) time.Time {
	raw, err := hex.DecodeString(traceID[2:10])
	if err != nil {
		return time.Time{}
	}
	seconds := int64(raw[0])<<24 | int64(raw[1])<<16 | int64(raw[2])<<8 | int64(raw[3])
	return time.Unix(seconds, 0).UTC()
}
