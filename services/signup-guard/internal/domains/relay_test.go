package domains

import (
	"os"
	"strings"
	"testing"
)

func TestRelay(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"privaterelay.appleid.com": "privaterelay.appleid.com", "mozmail.com": "mozmail.com",
		"ada.mozmail.com": "mozmail.com", "ada.anonaddy.com": "anonaddy.com", "duck.com": "duck.com",
		"appleid.com": "", "icloud.com": "", "notduck.com": "", "duck.com.example": "", "com": "", "": "",
	} {
		if got, ok := Relay(domain); got != want || ok != (want != "") {
			t.Errorf("Relay(%q) = %q, %v; want %q", domain, got, ok, want)
		}
	}
}

// TestProtected: the refresh of the disposable list protects the relays that this
// package knows.
func TestProtected(t *testing.T) {
	t.Parallel()
	protected := section(t, "protected.txt", "# Privacy relays")
	known := cases(t, "relay.go")
	for name := range known {
		if !protected[name] {
			t.Errorf("%s is not in protected.txt", name)
		}
	}
	for name := range protected {
		if own, _ := Relay(name); own != name {
			t.Errorf("%s is in protected.txt and not a relay here", name)
		}
	}
}

// section gives the lines between a heading and the next empty line.
func section(t *testing.T, path, heading string) map[string]bool {
	t.Helper()
	_, rest, found := strings.Cut(read(t, path), heading)
	if !found {
		t.Fatalf("%s has no section %q", path, heading)
	}
	rest, _, _ = strings.Cut(rest, "\n\n")
	out := map[string]bool{}
	for _, line := range strings.Split(rest, "\n")[1:] {
		out[line] = true
	}
	return out
}

// cases gives the quoted names of the switch's cases.
func cases(t *testing.T, path string) map[string]bool {
	t.Helper()
	out := map[string]bool{}
	_, body, _ := strings.Cut(read(t, path), "switch domain {")
	for i, part := range strings.Split(body, `"`) {
		if i%2 == 1 {
			out[part] = true
		}
	}
	if len(out) == 0 {
		t.Fatal("no case found")
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
