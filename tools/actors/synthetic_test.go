package actors

import (
	"testing"
	"time"

	"gatehouse.example/contracts"
)

func TestSyntheticNames(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)
	id := NewID(now)
	if got := IDOfAddress(SyntheticAddress(id)); got != id {
		t.Errorf("id %q of the address of %q", got, id)
	}
	if !contracts.IsSyntheticAddress(SyntheticAddress(id)) || !contracts.IsSyntheticAddress("x@"+id+"."+Disposable) {
		t.Error("an address is not synthetic")
	}
	if name := QueuePrefix("production") + id; len(name) > 80 {
		t.Errorf("SQS takes names of 80 characters, and %s has %d", name, len(name))
	}
	for of, want := range map[string]bool{
		id: false, NewID(now.Add(-61 * time.Minute)): true, NewID(now.Add(-59 * time.Minute)): false, "": false, "x": false,
		"20261122-x": false, NewID(now.Add(time.Hour)): false,
	} {
		if Abandoned(of, now) != want {
			t.Errorf("Abandoned(%q) = %v", of, !want)
		}
	}
	for _, email := range []string{"", "success@simulator.amazonses.com", SyntheticPrefix + id + "@example.net", SyntheticPrefix + id} {
		if got := IDOfAddress(email); got != "" {
			t.Errorf("id %q in %q", got, email)
		}
	}
}
