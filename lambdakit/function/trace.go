package function

import (
	"context"
	"strings"
)

// TraceParent turns the X-Ray header of an invocation into a W3C traceparent,
// or returns "" where there is none. The two carry the same 128 and 64 bits
// (https://docs.aws.amazon.com/xray/latest/devguide/xray-api-sendingdata.html#xray-api-traceids,
// https://www.w3.org/TR/trace-context/#traceparent-header).
func TraceParent(ctx context.Context) string {
	// aws-lambda-go uses this plain string as the key.
	header, _ := ctx.Value("x-amzn-trace-id").(string)
	var root, parent, flags = "", "", "00"
	for field := range strings.SplitSeq(header, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(field), "=")
		switch name {
		case "Root":
			root = value
		case "Parent":
			parent = value
		case "Sampled":
			if value == "1" {
				flags = "01"
			}
		}
	}
	id := strings.Split(root, "-")
	if len(id) != 3 || !isHex(id[1]+id[2], 32) || !isHex(parent, 16) {
		return ""
	}
	return "00-" + id[1] + id[2] + "-" + parent + "-" + flags
}

// isHex reports whether s is n lower-case hexadecimal digits, not all zero.
func isHex(s string, n int) bool {
	return len(s) == n && strings.Trim(s, "0123456789abcdef") == "" && strings.Trim(s, "0") != ""
}
