package actors

import (
	"strings"
	"testing"
	"time"

	"gatehouse.example/contracts"
)

func TestSyntheticNames(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 22, 23, 0, 0, 0, time.UTC)
	id := NewID(now)
	secret := Secret(id)
	if again := Secret(id); again == secret || !strings.HasPrefix(secret, id+"-") {
		t.Errorf("secrets %s and %s", secret, again)
	}
	// RFC 5321, section 4.5.3.1.1.
	if local, _, _ := strings.Cut(SyntheticAddress(secret), "@"); len(local) > 64 {
		t.Errorf("%s has more than 64 characters", local)
	}
	if !contracts.IsSyntheticAddress(SyntheticAddress(secret)) || !contracts.IsSyntheticAddress("x@"+id+"."+Disposable) {
		t.Error("an address is not synthetic")
	}
	if name := QueuePrefix("production") + secret; len(name) > 80 {
		t.Errorf("SQS takes names of 80 characters, and %s has %d", name, len(name))
	}
	for of, want := range map[string]bool{
		id: false, NewID(now.Add(-61 * time.Minute)): true, Secret(NewID(now.Add(-2 * time.Hour))): true, secret: false, NewID(now.Add(-59 * time.Minute)): false, "": false, "x": false,
		"20261122-x": false, NewID(now.Add(time.Hour)): false,
	} {
		if Abandoned(of, now) != want {
			t.Errorf("Abandoned(%q) = %v", of, !want)
		}
	}
}
