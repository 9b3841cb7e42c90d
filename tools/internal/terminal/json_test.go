package terminal

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a caller sent cannot control the terminal, and programs read the same value.
func TestJSONIsPrintable(t *testing.T) {
	t.Parallel()
	const agent = "a\u009b2J\x1b[2J\x7f\u202eb\u2028\U000e0001c\u00a0é😀\xffd\r\n\t"
	var out strings.Builder
	l := Listing{Lines: []Line{{Fields: map[string]any{"data": json.RawMessage("{\"a\":\"\u009b\"}")}, Optional: map[string]string{"agent": agent}}}}
	if err := l.Print(&out, true); err != nil {
		t.Fatal(err)
	}
	line := strings.TrimSuffix(out.String(), "\n")
	if Printable(line) != line || !strings.Contains(line, "é😀") {
		t.Errorf("%q", line)
	}
	var got, want map[string]any
	plain, err := json.Marshal(map[string]any{"agent": agent, "data": map[string]string{"a": "\u009b"}})
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(plain, &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}
