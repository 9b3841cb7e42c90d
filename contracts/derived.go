package contracts

import (
	"strings"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/google/uuid"
)

// firstSignIn marks the derived id of a federated user's first sign-in, which would
// otherwise be that of the user's creation.
const firstSignIn = "#first-sign-in"

// CreatedID is the id of the one user.created event of a user: a version 5 UUID (RFC
// 9562, section 5.5) over the pool's id and the sub. It does not depend on the rest of
// the pool's ARN: a replica of the pool in another region has the same id in another
// ARN (docs/adr/0027).
func CreatedID(poolARN, sub string) string { return derived(PoolID(poolARN), sub) }

// FirstSignInID is the id of the event of a federated user's first sign-in.
func FirstSignInID(poolARN, sub string) string { return derived(PoolID(poolARN)+firstSignIn, sub) }

func derived(pool, sub string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, []byte(pool+"#"+sub)).String()
}

// PoolID is the last part of a pool's ARN. A source of another kind is not changed.
func PoolID(poolARN string) string {
	if _, id, found := strings.Cut(poolARN, ":userpool/"); found {
		return id
	}
	return poolARN
}

// ClaimID returns the id under which consumers claim an event that may be reported more
// than once, and whether the event's id is derived. It is the event's id, except where
// version 0.1 derived another one for the same act, from the pool's ARN: claims that
// were made then, and events that wait since then, must match those of today.
func ClaimID(ev event.Event) (id string, isDerived bool) {
	mark := ""
	switch {
	case ev.Type() == TypeSecurityFinding:
		return ev.ID(), true
	case ev.Subject() == "":
		return ev.ID(), false
	case ev.Type() == TypeSigninSucceeded:
		mark = firstSignIn
	case ev.Type() != TypeUserCreated:
		return ev.ID(), false
	}
	former := derived(ev.Source()+mark, ev.Subject())
	if id := ev.ID(); id == former || id == derived(PoolID(ev.Source())+mark, ev.Subject()) {
		return former, true
	}
	return ev.ID(), false
}

// ClaimKey is under which consumers claim an event: in CloudEvents, source and id together
// are unique. Of a derived id it is the one under which version 0.1 claimed the same act.
func ClaimKey(ev event.Event) string {
	id, _ := ClaimID(ev)
	return ev.Source() + "#" + id
}
