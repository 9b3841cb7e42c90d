package integration

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
	"gatehouse.example/tools/actors"
)

// inForce is how long a new subscription gets before another user is created for it.
const inForce = 20 * time.Second

// TestUserEvents: a subscriber with a filter gets the event of a new user, no other
// types, and no personal data.
func TestUserEvents(t *testing.T) {
	t.Parallel()
	e := here(t)
	inbox := e.subscribe(t, `{"type":["`+contracts.TypeUserCreated+`"],"synthetic":["true"]}`)
	var p *actors.Person
	var got actors.Arrival
	eventually(t, contracts.TypeUserCreated+" of a new user in the queue", func() bool {
		p = e.signedIn(t) // the sign-in makes events that the filter drops
		return within(t.Context(), inForce, func() bool {
			found := must(inbox.Find(func(ev event.Event) bool { return ev.Subject() == p.Sub }))(t)
			if len(found) > 0 {
				got = found[0]
			}
			return len(found) > 0
		})
	})
	ev := got.Event
	pool := e.of(t, "platform/user-pool-arn")
	if want := contracts.CreatedID(pool, p.Sub); ev.ID() != want || ev.Source() != pool || ev.Subject() != p.Sub {
		t.Errorf("event %s of %s about %s, want %s of %s about %s", ev.ID(), ev.Source(), ev.Subject(), want, pool, p.Sub)
	}
	if !contracts.IsSynthetic(ev) || contracts.ClientID(ev) != "" && contracts.ClientID(ev) != p.ClientID {
		t.Errorf("synthetic %v, client %q", contracts.IsSynthetic(ev), contracts.ClientID(ev))
	}
	doc := must(jsonschema.UnmarshalJSON(bytes.NewReader(must(schemas.Of(contracts.TypeUserCreated))(t))))(t)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("created", doc); err != nil {
		t.Fatal(err)
	}
	if err := must(compiler.Compile("created"))(t).Validate(must(jsonschema.UnmarshalJSON(strings.NewReader(got.Body)))(t)); err != nil {
		t.Errorf("schema: %v", err)
	}
	local, _, _ := strings.Cut(p.Email, "@")
	for _, a := range must(inbox.Find(everything))(t) {
		if a.Event.Type() != contracts.TypeUserCreated || !contracts.IsSynthetic(a.Event) {
			t.Errorf("the filter passed %s", a.Event.Type())
		}
		if strings.Contains(a.Body, local) {
			t.Error("an event holds an address")
		}
	}
}
