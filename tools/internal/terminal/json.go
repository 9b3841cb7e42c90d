package terminal

import (
	"bytes"
	"fmt"
	"io"
	"unicode"
	"unicode/utf16"
)

// JSON returns a writer of JSON that also looks the same on a terminal. What could control
// the terminal is escaped: package encoding/json leaves the controls from U+007F on as they
// are, and a user agent is whatever its caller sent. The values stay the same. Each Write is
// of whole characters, as those of a json.Encoder are.
func JSON(out io.Writer) io.Writer { return escaper{out} }

type escaper struct{ out io.Writer }

func (e escaper) Write(p []byte) (int, error) {
	var b bytes.Buffer
	for _, r := range string(p) {
		switch high, low := utf16.EncodeRune(r); {
		case r == '\n' || unicode.IsPrint(r): // the encoder's own end of a line
			b.WriteRune(r)
		case high == unicode.ReplacementChar:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x\u%04x`, high, low)
		}
	}
	if _, err := e.out.Write(b.Bytes()); err != nil {
		return 0, fmt.Errorf("io.Writer.Write: %w", err)
	}
	return len(p), nil
}
