package trace

import (
	"fmt"
	"regexp"
	"strings"
)

var (
	xrayID = regexp.MustCompile(`^1-[0-9a-f]{8}-[0-9a-f]{24}$`)
	// traceparent is https://www.w3.org/TR/trace-context/#traceparent-header, of this
	// version or a later one.
	traceparent = regexp.MustCompile(`^[0-9a-f]{2}-([0-9a-f]{8})([0-9a-f]{24})-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$`)
)

// ID reads an id in any of its usual forms.
func ID(given string) (string, error) {
	text := strings.TrimSpace(given)
	if name, value, found := strings.Cut(text, ":"); found && strings.EqualFold(strings.TrimSpace(name), "X-Amzn-Trace-Id") {
		text = strings.TrimSpace(value)
	}
	for field := range strings.SplitSeq(text, ";") {
		if root, found := strings.CutPrefix(strings.TrimSpace(field), "Root="); found {
			text = root
		}
	}
	if lower := strings.ToLower(text); xrayID.MatchString(lower) {
		return lower, nil
	}
	if m := traceparent.FindStringSubmatch(text); m != nil {
		return "1-" + m[1] + "-" + m[2], nil
	}
	return "", fmt.Errorf("%.80q is not a trace id; give one such as 1-6921f8c0-1f0e2d3c4b5a69788796a5b4, an X-Amzn-Trace-Id header or a traceparent", given)
}
