package main

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/emf"
)

// What a function writes is what the sums are of.
func TestSums(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	b := emf.New("local")
	for _, name := range counters() {
		b.Add(name, emf.Count, 2)
	}
	b.Add("SignInsAttempted", emf.Count, 2, emf.Dimension{Name: "ClientId", Value: "c"})
	b.Add("SignUpsRejected", emf.Count, 2, emf.Dimension{Name: "Reason", Value: "r"})
	b.Add("EventAge", emf.Milliseconds, 7)
	if err := b.Flush(&out, time.Now()); err != nil {
		t.Fatal(err)
	}
	lines := append(strings.Split(out.String(), "\n"), "START RequestId: r", `{"SignInsAttempted":5}`, "5")
	want := map[string]int{}
	for _, name := range counters() {
		want[name] = 4
	}
	if diff := cmp.Diff(want, sums(append(lines, lines...))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnansweredClaims(t *testing.T) {
	t.Parallel()
	const failed = `{"level":"ERROR","msg":"event not handled; it will be delivered again","messageId":"m1","error":"ledger.Claim: dynamodb.PutItem: timeout"}`
	lines := []string{
		failed, failed, strings.Replace(failed, "m1", "m2", 1), "REPORT RequestId: r",
		strings.Replace(failed, "ledger.Claim: ", "metrics: no time left for this event: ", 1), // nothing was asked
	}
	if n := unansweredClaims(lines); n != 2 {
		t.Errorf("%d messages, want 2", n)
	}
}

func TestSlowest(t *testing.T) {
	t.Parallel()
	got := slowest([]string{
		"REPORT RequestId: a\tDuration: 51 ms\tBilled Duration: 51 ms", "REPORT RequestId: b\tDuration: 2410.52 ms\tBilled Duration: 9999 ms",
		`{"msg":"REPORT RequestId: c\tDuration: 60000 ms"}`,
	})
	if got != 2410*time.Millisecond {
		t.Errorf("%s", got)
	}
}

// What arrives from the bus is about the user, or about the domain of an address.
func TestRead(t *testing.T) {
	t.Parallel()
	for typ, who := range map[string]string{contracts.TypeSigninAttempted: "6f2c8f0e-5d1c-4c8e-9a39-0c6c7d6a1f10", contracts.TypeSignupAllowed: "example.org"} {
		raw, err := os.ReadFile("../../contracts/testdata/" + typ + ".json")
		if err != nil {
			t.Fatal(err)
		}
		ev, err := contracts.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		if ev.Subject() != "" {
			who = ev.Subject()
		}
		got, err := read(`{"version":"0","detail-type":"x","detail":` + string(raw) + `}`)
		want := arrival{entry{subject{typ, who}, ev.ID()}, ev.Subject(), ev.Time()}
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v; want %+v", typ, got, err, want)
		}
	}
	if _, err := read(`{"detail":{}}`); err == nil {
		t.Error("what is not an event was accepted")
	}
	if got := newEntry("t", "i", "u1", []byte(`{"domain":"c1.example"}`)); got.who != "c1.example" {
		t.Errorf("%+v", got)
	}
}
