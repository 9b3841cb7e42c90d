package domains

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	set := build(t, "mailinator.com", "a.b.example", "zz.org")
	for name, want := range map[string]bool{
		"mailinator.com": true, "x.mailinator.com": true, "x.y.mailinator.com": true, "zz.org": true, "a.b.example": true,
		"notmailinator.com": false, "mailinator.com.example": false, "mailinator.co": false, "mailinator.comm": false,
		"com": false, "b.example": false, "x.b.example": false, "": false, ".": false, ".com": false, "zz.org.": false,
		"MAILINATOR.COM": false, "mailinator.com\nzz.org": false,
	} {
		if got := set.Match(name); got != want {
			t.Errorf("Match(%q) = %v, want %v", name, got, want)
		}
	}
}

func TestMatch_of_an_empty_set(t *testing.T) {
	t.Parallel()
	if (Set{}).Match("example.org") || build(t).Match("example.org") {
		t.Error("an empty set matched")
	}
}

func TestFirst(t *testing.T) {
	t.Parallel()
	sets := []Set{build(t, "good.bad.example"), {}, build(t, "bad.example"), build(t, "list.org", "a.good.bad.example")}
	for name, want := range map[string]int{
		"good.bad.example": 0, "x.good.bad.example": 0, "a.good.bad.example": 0, "bad.example": 2, "x.bad.example": 2,
		"list.org": 3, "x.list.org": 3, "example": -1, "ok.org": -1, "": -1,
	} {
		if got := First(name, sets...); got != want {
			t.Errorf("First(%q) = %d, want %d", name, got, want)
		}
	}
	if First("a.org") != -1 {
		t.Error("no set matched")
	}
}

func TestNewSet(t *testing.T) {
	t.Parallel()
	set := build(t, "b.org", "a.org", "b.org")
	if diff := cmp.Diff([]string{"a.org", "b.org"}, set.Names()); diff != "" {
		t.Error(diff)
	}
	if set.Text() != "a.org\nb.org\n" {
		t.Errorf("Text = %q", set.Text())
	}
	if _, err := NewSet([]string{"a.org", "com"}); err == nil {
		t.Error("a top-level domain was accepted")
	}
}

// TestMatch_like_a_map compares sets of many sizes with a map.
func TestMatch_like_a_map(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	for size := 1; size < 200; size++ {
		names := generate(random, size)
		set, in := build(t, names...), map[string]bool{}
		for _, name := range names {
			in[name] = true
		}
		for _, probe := range append(names, generate(random, size)...) {
			if got, want := set.Match(probe), byMap(in, probe); got != want {
				t.Fatalf("%d names: Match(%q) = %v, want %v", size, probe, got, want)
			}
		}
	}
}

func byMap(in map[string]bool, name string) bool {
	for {
		if in[name] {
			return true
		}
		_, parent, ok := strings.Cut(name, ".")
		if !ok {
			return false
		}
		name = parent
	}
}

// generate makes names of two to four short labels, so that parents collide.
func generate(random *rand.Rand, n int) []string {
	names := make([]string, n)
	for i := range names {
		labels := make([]string, 2+random.IntN(3))
		for j := range labels {
			labels[j] = fmt.Sprintf("%x", random.IntN(1<<random.IntN(12)))
		}
		names[i] = strings.Join(labels, ".")
	}
	return names
}

func build(t testing.TB, names ...string) Set {
	t.Helper()
	set, err := NewSet(names)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// BenchmarkMatch measures a list far larger than today's.
func BenchmarkMatch(b *testing.B) {
	names := make([]string, 200_000)
	for i := range names {
		names[i] = fmt.Sprintf("%x-mail%d.example", i*2654435761%(1<<31), i%97)
	}
	set := build(b, names...)
	slices.Sort(names)
	for name, probe := range map[string]string{
		"hit": names[77_777], "miss": "gmail.com", "miss_four_labels": "smtp.mail.example.org", "subdomain": "a." + names[77_777],
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				set.Match(probe)
			}
		})
	}
}
