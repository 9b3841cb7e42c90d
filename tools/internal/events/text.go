package events

import (
	"strconv"
	"strings"

	"gatehouse.example/lambdakit/publish"
)

// fromText reads the format of log/slog's TextHandler: name=value pairs, with
// values quoted as in Go if they hold a space or a quote. It reads the line pair by
// pair, so that a quoted value cannot be taken for the pair it looks like.
func fromText(line string) ([]byte, bool) {
	for rest := strings.TrimSpace(line); rest != ""; rest = strings.TrimSpace(rest) {
		name, after, found := strings.Cut(rest, "=")
		if !found {
			return nil, false
		}
		var value string
		if quoted, err := strconv.QuotedPrefix(after); err == nil {
			value, err = strconv.Unquote(quoted)
			if err != nil {
				return nil, false
			}
			rest = after[len(quoted):]
		} else {
			value, rest, _ = strings.Cut(after, " ")
		}
		if name == publish.UndeliveredKey {
			return []byte(value), true
		}
	}
	return nil, false
}
