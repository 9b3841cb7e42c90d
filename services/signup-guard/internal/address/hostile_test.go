package address

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"testing"
)

// verdict is the result for a text, in the words of testdata/hostile.tsv.
func verdict(in string) string {
	a, err := Parse(in)
	switch {
	case errors.Is(err, TooLong):
		return "length"
	case errors.Is(err, BadDomain):
		return "domain"
	case err != nil:
		return "syntax"
	case a.LookAlike():
		return "lookalike"
	case a.Reserved():
		return "reserved"
	}
	return "accepted"
}

// TestHostileAddresses: the table says what an address is before the parser does.
func TestHostileAddresses(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("testdata/hostile.tsv")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(raw)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		cells := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(cells) != 4 || cells[3] == "" {
			t.Fatalf("line %q does not have four columns", line)
		}
		in, err := strconv.Unquote(cells[1])
		if err != nil || seen[in] {
			t.Errorf("%s: %v, or it is listed twice", cells[1], err)
		}
		seen[in] = true
		standard := strings.HasPrefix(cells[2], "RFC") || strings.HasPrefix(cells[2], "UAX") || strings.HasPrefix(cells[2], "UTS")
		if !standard && !strings.Contains(string(raw), "#   "+cells[2]+" ") {
			t.Errorf("%s: the source %s is not explained", cells[1], cells[2])
		}
		if got := verdict(in); got != cells[0] {
			t.Errorf("%s is %s, want %s (%s: %s)", cells[1], got, cells[0], cells[2], cells[3])
		}
	}
	if len(seen) < 300 {
		t.Errorf("%d addresses, want 300", len(seen))
	}
}
