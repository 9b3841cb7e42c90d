package emf_test

import (
	"encoding/json"
	"strings"
	"testing"

	"gatehouse.example/lambdakit/emf"
)

// FuzzFlush checks that a value from outside makes no line, field or metric of its own.
func FuzzFlush(f *testing.F) {
	for _, seed := range []string{"1example", "", " ", "a\nb", "\u2028", `","_aws":{}`, "\x1b[2J", "\xff", "é", strings.Repeat("x", 1025)} {
		f.Add(seed, 1.0)
	}
	f.Fuzz(func(t *testing.T, value string, n float64) {
		b := emf.New("test")
		b.Add("Known", emf.Count, 1)
		b.Add("Z", emf.Milliseconds, n, client(value))
		lines := flush(t, b)
		for _, line := range lines {
			var fields map[string]any
			if err := json.Unmarshal([]byte(line), &fields); err != nil {
				t.Fatalf("line %q: %v", line, err)
			}
			if got, ok := fields["ClientId"]; ok && (got != value || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' })) {
				t.Fatalf("%q is the dimension %q", value, got)
			}
			for name := range fields {
				if !strings.Contains(" _aws level Environment ClientId Known Z ", " "+name+" ") {
					t.Fatalf("%q makes a field %q", value, name)
				}
			}
		}
		if len(lines) > 2 || !strings.Contains(strings.Join(lines, "\n"), `"Known":1`) {
			t.Fatalf("%q makes %d lines", value, len(lines))
		}
	})
}
