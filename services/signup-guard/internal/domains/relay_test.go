package domains

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/publicsuffix"

	"gatehouse.example/contracts"
)

func TestRelay(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"privaterelay.appleid.com": "privaterelay.appleid.com", "mozmail.com": "mozmail.com", "slmails.com": "slmails.com",
		"ada.mozmail.com": "mozmail.com", "ada.anonaddy.com": "anonaddy.com", "duck.com": "duck.com", "ada.33mail.com": "33mail.com",
		"appleid.com": "", "icloud.com": "", "notduck.com": "", "duck.com.example": "", "com": "", "": "",
	} {
		if got, ok := Relay(domain); got != want || ok != (want != "") {
			t.Errorf("Relay(%q) = %q, %v; want %q", domain, got, ok, want)
		}
	}
}

// TestRelays: the file is sorted, as its search needs, each relay has a source, and
// none is on the disposable list, which would refuse what is to be allowed.
func TestRelays(t *testing.T) {
	t.Parallel()
	var names []string
	for line := range strings.Lines(relays) {
		name, source, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		names = append(names, name)
		if u, err := url.Parse(source); err != nil || u.Scheme != "https" || u.Host == "" {
			t.Errorf("the source of %s is not an https address: %q", name, source)
		}
		if got, ok := Relay(name); !ok || got != name {
			t.Errorf("Relay(%q) = %q, %v", name, got, ok)
		}
		if Disposable().Match(name) {
			t.Errorf("%s is a relay and on the disposable list", name)
		}
	}
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) || !slices.Equal(names, Relays().Names()) {
		t.Errorf("relays.txt is not sorted and unique: %v", names)
	}
}

func TestPublished(t *testing.T) {
	t.Parallel()
	for domain, want := range map[string]string{
		"example.org":                     "example.org",
		"ada.fastmail.com":                "fastmail.com",
		"shop.ada.fastmail.com":           "fastmail.com",
		"ada.lovelace.name":               "lovelace.name",
		"ada.33mail.com":                  "33mail.com",
		"mail.cs.example.co.uk":           "example.co.uk",
		"example.co.uk":                   "example.co.uk",
		"co.uk":                           "co.uk", // a public suffix names nobody
		"com":                             "com",
		"ada.xn--exmple-cua.de":           "xn--exmple-cua.de",
		"ada.dyndns.org":                  "dyndns.org", // a suffix of a company
		"ada.dyn.ddnss.de":                "ddnss.de",
		"ada.github.io":                   "github.io",
		"ada.eu-west-1.compute.aws.com":   "aws.com",
		"a.city.kawasaki.jp":              "city.kawasaki.jp", // an exception of the list
		"b.a.notcity.kawasaki.jp":         "a.notcity.kawasaki.jp",
		"ada.example.invalid":             "example.invalid", // an unknown top-level domain
		"ada.privaterelay.appleid.com":    "privaterelay.appleid.com",
		"x.ada.mozmail.com":               "mozmail.com",
		contracts.SyntheticDomain:         contracts.SyntheticDomain,
		"run." + Test:                     "run." + Test,
		"ada.amazonses.com":               "amazonses.com",
		"not" + contracts.SyntheticDomain: "amazonses.com",
		"":                                "",
	} {
		if got := Published(domain); got != want {
			t.Errorf("Published(%q) = %q, want %q", domain, got, want)
		}
	}
}

// FuzzPublished: whatever is below a registered name is not published.
func FuzzPublished(f *testing.F) {
	for _, name := range append(Relays().Names(), "example.org", "fastmail.com", "example.co.uk", "a.kawasaki.jp", "dyndns.org", "b.invalid") {
		f.Add("ada", name)
	}
	f.Fuzz(func(t *testing.T, label, domain string) {
		if label == "" || domain == "" || strings.ContainsAny(label+domain, ". \n") && !isName(domain) || !isName(label+".x") {
			return
		}
		got := Published(domain)
		if got != domain && !strings.HasSuffix(domain, "."+got) {
			t.Fatalf("Published(%q) = %q, which is not a parent", domain, got)
		}
		if again := Published(got); again != got {
			t.Fatalf("Published(%q) = %q, and of that %q", domain, got, again)
		}
		if _, icann := publicsuffix.PublicSuffix(domain); !icann || got == "" || strings.HasSuffix(domain, contracts.SyntheticDomain) {
			return
		}
		if suffix, _ := publicsuffix.PublicSuffix(domain); suffix == domain {
			return // one label more registers a name
		}
		if below := Published(label + "." + domain); below != got {
			t.Fatalf("Published(%q) = %q, and %q without the label", label+"."+domain, below, got)
		}
	})
}

// isName reports lower-case labels joined by dots.
func isName(s string) bool {
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
			return false
		}
	}
	return true
}
