package domains

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"gatehouse.example/contracts"
)

func TestDisposable_is_the_copy_of_SOURCE(t *testing.T) {
	t.Parallel()
	source := readSource(t)
	sum := sha256.Sum256([]byte(text))
	if got := hex.EncodeToString(sum[:]); source["domains-sha256"] != got {
		t.Errorf("domains.txt has SHA-256 %s, SOURCE says %s", got, source["domains-sha256"])
	}
	if got := fmt.Sprint(len(Disposable().Names())); source["domains"] != got {
		t.Errorf("domains.txt has %s names, SOURCE says %s", got, source["domains"])
	}
	if _, err := time.Parse(time.DateOnly, Version()); err != nil || source["date"] != Version() {
		t.Errorf("Version() = %q, SOURCE says %q", Version(), source["date"])
	}
	if !strings.HasPrefix(source["licence"], "CC0-1.0") || len(source["wheel-sha256"]) != 64 {
		t.Errorf("SOURCE is incomplete: %v", source)
	}
}

func TestDisposable_is_sorted_unique_lower_case_ASCII(t *testing.T) {
	t.Parallel()
	names := Disposable().Names()
	if !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != len(names) {
		t.Error("names are not sorted and unique")
	}
	if text != strings.Join(names, "\n")+"\n" {
		t.Error("domains.txt is not one name a line")
	}
	for _, name := range names {
		if strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") != "" || !strings.Contains(name, ".") {
			t.Errorf("%q is not a domain name", name)
		}
	}
}

// TestDisposable_like_a_map asks for every name, a child of every name, and a million
// others.
func TestDisposable_like_a_map(t *testing.T) {
	t.Parallel()
	list, in := Disposable(), map[string]bool{}
	names := list.Names()
	for _, name := range names {
		in[name] = true
		if !list.Match(name) || !list.Match("a.b-c."+name) {
			t.Fatalf("%s is in the list and not found", name)
		}
	}
	for i := range 1_000_000 {
		name := fmt.Sprintf("%x.com", i*2654435761%(1<<31))
		if i%2 == 0 { // names that share an end or a beginning with a listed one
			name = fmt.Sprintf("%x%s", i, names[i%len(names)])
		}
		if got := list.Match(name); got != in[name] {
			t.Fatalf("Match(%q) = %v, a map says %v", name, got, in[name])
		}
	}
}

// The test entry is below a domain of which no mailbox can exist, and refuses no
// other domain.
func TestDisposable_has_the_test_entry(t *testing.T) {
	t.Parallel()
	if !Disposable().Match(Test) || !Disposable().Match("a1."+Test) || Disposable().Match(contracts.SyntheticDomain) || Disposable().Match("amazonses.com") {
		t.Errorf("%s and what is below it must be in the list, and nothing above it", Test)
	}
	if !contracts.IsSyntheticAddress("x@a1." + Test) {
		t.Errorf("an address below %s is not synthetic", Test)
	}
}

func TestDisposable_has_no_protected_domain(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("protected.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		if name := strings.TrimSpace(line); name != "" && name[0] != '#' && Disposable().Match(name) {
			t.Errorf("the list refuses %s", name)
		}
	}
}

func readSource(t *testing.T) map[string]string {
	t.Helper()
	raw, err := os.ReadFile("SOURCE")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(raw)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		out[name] = value
	}
	return out
}
