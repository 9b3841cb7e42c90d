package contracts

import (
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
)

// TraceHeader formats an event's trace context as X-Ray's header. It is empty if the event has
// none, or none of version 00 (https://www.w3.org/TR/trace-context/#traceparent-header).
func TraceHeader(ev event.Event) string {
	parent, _ := ev.Extensions()[TraceParentExtension].(string)
	part := strings.Split(parent, "-")
	if len(part) != 4 || part[0] != "00" || !isHex(part[1], 32) || !isHex(part[2], 16) || !isHex(part[3], 2) {
		return ""
	}
	sampled := "0"
	// The lowest bit of the flags says whether the trace is sampled.
	if strings.Contains("13579bdf", part[3][1:]) {
		sampled = "1"
	}
	return "Root=1-" + part[1][:8] + "-" + part[1][8:] + ";Parent=" + part[2] + ";Sampled=" + sampled
}

// isHex reports whether s is n lower-case hexadecimal digits.
func isHex(s string, n int) bool { return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" }
