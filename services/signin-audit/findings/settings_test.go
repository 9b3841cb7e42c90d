package findings

import (
	"net/netip"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestEverySettingIsSet: each setting changes the settings, within its bounds.
func TestEverySettingIsSet(t *testing.T) {
	t.Parallel()
	for _, known := range All() {
		s := Defaults()
		good, bad := []string{known.Default, strconv.Itoa(known.Min), strconv.Itoa(known.Max)}, []string{"", "many", "1.5", strconv.Itoa(known.Min - 1), strconv.Itoa(known.Max + 1)}
		if known.Max == 0 { // a list
			good, bad = []string{"", "192.0.2.0/24, 2001:db8::/32"}, nil
		}
		for _, value := range good {
			if err := s.Set(known.Name, value); err != nil {
				t.Errorf("%s does not take %q: %v", known.Name, value, err)
			}
		}
		if reflect.DeepEqual(s, Defaults()) {
			t.Errorf("%s changes nothing", known.Name)
		}
		for _, value := range bad {
			if err := s.Set(known.Name, value); err == nil {
				t.Errorf("%s takes %q", known.Name, value)
			}
		}
		if known.Says == "" || known.Flag == "" {
			t.Errorf("%s is not described", known.Name)
		}
	}
}

func TestSettingsAreParsed(t *testing.T) {
	t.Parallel()
	s, err := Parse("AllowedNetworks=192.0.2.7/24,2001:db8::/48\nPoolChangeRoles=gatehouse-dev-platform-cloudformation,\nFindingsLagMinutes=15\n\nFindingsFailures=7\n")
	if err != nil {
		t.Fatalf("Parse: %v", err)
	}
	want := Defaults()
	want.AllowedNetworks = networks{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/48")}
	want.PoolChangeRoles = []string{"gatehouse-dev-platform-cloudformation"}
	want.Lag, want.Failures = 15*time.Minute, 7
	if !reflect.DeepEqual(s, want) {
		t.Errorf("settings %+v, want %+v", s, want)
	}
	for _, bad := range []string{"FindingsFailures", "FindingsFailures=x", "Other=1", "AllowedNetworks=192.0.2.7"} {
		if _, err := Parse(bad); err == nil {
			t.Errorf("%q is parsed", bad)
		}
	}
}

func TestRulesArePicked(t *testing.T) {
	t.Parallel()
	rules := Defaults().Rules()
	if all, err := Pick(rules, ""); err != nil || len(all) != len(rules) {
		t.Errorf("%d rules, %v", len(all), err)
	}
	one, err := Pick(rules, "signup-burst")
	if err != nil || len(one) != 1 || one[0].Name() != "signup-burst" {
		t.Errorf("%v, %v", one, err)
	}
	if _, err := Pick(rules, "other"); err == nil {
		t.Error("an unknown rule was picked")
	}
}

func TestNetworks(t *testing.T) {
	t.Parallel()
	n := networks{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("2001:db8::/48")}
	for ip, want := range map[string]bool{"192.0.2.255": true, "192.0.3.0": false, "::ffff:192.0.2.1": true, "2001:db8::1": true, "2001:db9::1": false} {
		if got := n.contain(netip.MustParseAddr(ip)); got != want {
			t.Errorf("%s: %t", ip, got)
		}
	}
	if n.contain(netip.Addr{}) {
		t.Error("no address is in a network")
	}
	got := []string{network(netip.MustParseAddr("192.0.2.7")).String(), network(netip.MustParseAddr("::ffff:192.0.2.9")).String(), network(netip.MustParseAddr("2001:db8:1:2::3")).String()}
	if want := []string{"192.0.2.0/24", "192.0.2.0/24", "2001:db8:1::/48"}; !slices.Equal(got, want) {
		t.Errorf("networks %q, want %q", got, want)
	}
}

// FuzzParse: settings are within their bounds, or refused.
func FuzzParse(f *testing.F) {
	f.Add("AllowedNetworks=192.0.2.7/24\nFindingsFailures=7\n")
	f.Add("FindingsLockedHours=7")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil {
			return
		}
		for _, known := range All() {
			if n, ok := s.numbers()[known.Name]; ok && (*n < known.Min || *n > known.Max) {
				t.Errorf("%s is %d", known.Name, *n)
			}
		}
		for _, p := range s.AllowedNetworks {
			if !p.IsValid() || p != p.Masked() {
				t.Errorf("network %s", p)
			}
		}
	})
}
