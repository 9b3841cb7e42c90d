package bridge

import (
	"regexp"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/cloudevents/sdk-go/v2/types"

	"gatehouse.example/contracts"
)

// traceparent is version 00 of https://www.w3.org/TR/trace-context/#traceparent-header.
var traceparent = regexp.MustCompile(`^00-([0-9a-f]{8})([0-9a-f]{24})-([0-9a-f]{16})-[0-9a-f]([0-9a-f])$`)

// traceHeader formats an event's trace context as X-Ray's header, which EventBridge
// passes to its targets. It is empty if the event has none.
func traceHeader(ev event.Event) string {
	parent, err := types.ToString(ev.Extensions()[contracts.TraceParentExtension])
	if err != nil {
		return ""
	}
	m := traceparent.FindStringSubmatch(parent)
	if m == nil {
		return ""
	}
	sampled := "0"
	// The lowest bit of the flags says whether the trace is sampled.
	switch m[4] {
	case "1", "3", "5", "7", "9", "b", "d", "f":
		sampled = "1"
	}
	return "Root=1-" + m[1] + "-" + m[2] + ";Parent=" + m[3] + ";Sampled=" + sampled
}
