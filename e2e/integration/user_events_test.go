package integration

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"gatehouse.example/contracts"
	"gatehouse.example/contracts/schemas"
)

// inForce is how long a subscription gets before another user is created for it.
const inForce = 20 * time.Second

// TestUserEvents: who subscribes with a filter learns of a new user, once by id,
// gets no type that was not asked for, and nothing personal.
func TestUserEvents(t *testing.T) {
	t.Parallel()
	e := here(t)
	inbox := e.subscribe(t, `{"type":["`+contracts.TypeUserCreated+`"],"synthetic":["true"]}`)
	var p *person
	var body string
	var ev event.Event
	eventually(t, contracts.TypeUserCreated+" of a new user in the queue", func() bool {
		p = e.signedIn(t) // the sign-in makes events that the filter keeps back
		return within(t.Context(), inForce, func() bool {
			at := slices.IndexFunc(inbox.look(t), func(body string) bool { return strings.Contains(body, p.sub) })
			if at < 0 {
				return false
			}
			body = inbox.bodies[at]
			ev = must(contracts.Decode([]byte(body)))(t)
			return true
		})
	})
	pool := e.of(t, "platform/user-pool-arn")
	if want := contracts.CreatedID(pool, p.sub); ev.ID() != want || ev.Source() != pool || ev.Subject() != p.sub {
		t.Errorf("event %s of %s about %s, want %s of %s about %s", ev.ID(), ev.Source(), ev.Subject(), want, pool, p.sub)
	}
	if !contracts.IsSynthetic(ev) || contracts.ClientID(ev) != "" && contracts.ClientID(ev) != p.clientID {
		t.Errorf("synthetic %v, client %q", contracts.IsSynthetic(ev), contracts.ClientID(ev))
	}
	doc := must(jsonschema.UnmarshalJSON(bytes.NewReader(must(schemas.Of(contracts.TypeUserCreated))(t))))(t)
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource("created", doc); err != nil {
		t.Fatal(err)
	}
	if err := must(compiler.Compile("created"))(t).Validate(must(jsonschema.UnmarshalJSON(strings.NewReader(body)))(t)); err != nil {
		t.Errorf("schema: %v", err)
	}
	local, _, _ := strings.Cut(p.email, "@")
	for _, body := range inbox.look(t) {
		if got := must(contracts.Decode([]byte(body)))(t); got.Type() != contracts.TypeUserCreated || !contracts.IsSynthetic(got) {
			t.Errorf("the filter let %s through", got.Type())
		}
		if strings.Contains(body, local) {
			t.Error("an event holds an address")
		}
	}
}
