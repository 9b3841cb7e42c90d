package events

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/tools/actors"
)

// trail is the audit table in memory.
type trail struct {
	found []actors.Row
	err   error
	known *event.Event
	days  []string
}

func (a *trail) rows(_ context.Context, _ string, ev *event.Event, days []string) ([]actors.Row, error) {
	a.known, a.days = ev, days
	return a.found, a.err
}

// searched is a finder and what it looks at.
type searched struct {
	logs   *groups
	broker *broker
	rows   *rows
	trail  *trail
}

const eventID = "9a1c8a52-3f0e-4a6f-9d0b-0c9f1f0f7a11"

func TestFind(t *testing.T) {
	t.Parallel()
	const outboxName, group = "gatehouse-test-user-events-outbox", "/gatehouse/test/user-events/drain"
	body := signedIn(eventID, `{}`)
	row := actors.Row{ID: eventID, Type: contracts.TypeSigninSucceeded, Time: "2026-11-22T10:00:00.000000000Z", Sub: someSub, ReceivedAt: "2026-11-22T10:00:01.000000000Z"}
	log := func(s *searched, lines ...string) { s.logs.lines[group] = append(s.logs.lines[group], lines...) }
	created := contracts.CreatedID(pool, someSub)
	for _, tc := range []struct {
		name    string
		id      string
		prepare func(*searched)
		shows   []string
		hides   string
	}{
		{"nowhere", "", func(*searched) {}, []string{"now:  it was not found", "--since and --day"}, ""},
		{"in_the_log", "", func(s *searched) { log(s, logged(true, body)) }, []string{"kept in this line only", "now:  only in the log", "next: `gatehouse events recover`"}, ""},
		{"in_the_log_as_text", "", func(s *searched) { log(s, logged(false, body)) }, []string{"now:  only in the log"}, ""},
		{"sent_by_an_operator", "", func(s *searched) {
			log(s, logged(true, body))
			s.rows.claim(recovered+pool+"#"+eventID, time.Now().Add(time.Hour))
		}, []string{"an operator has sent it", "recover --again"}, ""},
		{"in_the_outbox", "", func(s *searched) {
			log(s, `{"msg":"event went to the outbox","id":"`+eventID+`","type":"t","topicError":"x"}`)
			s.broker.put(outboxName, body)
		}, []string{"outbox ", "message 1", "now:  in the outbox", "gatehouse events outbox"}, ""},
		{"hidden_in_the_outbox", "", func(s *searched) {
			log(s, `{"msg":"event went to the outbox","id":"`+eventID+`","type":"t"}`)
			s.broker.put(outboxName, body)
			s.broker.hide(outboxName, 1, time.Hour)
		}, []string{"now:  it went to the outbox", "not looked at: 1 messages of the outbox that drain holds"}, ""},
		{"fails_at_a_consumer", "", func(s *searched) {
			log(s, `{"msg":"`+consume.Retried+`","messageId":"m","id":"`+eventID+`","type":"t","error":"DynamoDB.PutItem UnknownError HTTP 503"}`)
		}, []string{"HTTP 503", "now:  on its way to a consumer"}, ""},
		{"a_dead_letter", "", func(s *searched) { s.broker.put(dlq, address, body) }, []string{
			"dead letters", "now:  in the dead-letter queue " + dlq, "gatehouse events dead show " + dlq + " " + eventID, "gatehouse events dead replay " + dlq,
		}, ""},
		{"arrived", "", func(s *searched) {
			s.rows.claim(pool+"#"+eventID, time.Now().Add(time.Hour))
			s.trail.found = []actors.Row{row}
		}, []string{"now:  it has arrived, is counted and recorded", "next: nothing"}, ""},
		{"derived_id_with_its_row", created, func(s *searched) {
			r := row
			r.ID, r.Type = created, contracts.TypeUserCreated
			s.trail.found = []actors.Row{r}
			ev := event.New()
			ev.SetID(created)
			ev.SetSource(pool)
			ev.SetType(contracts.TypeUserCreated)
			ev.SetSubject(someSub)
			s.rows.claim(contracts.ClaimKey(ev), time.Now().Add(time.Hour))
		}, []string{"now:  it has arrived, is counted and recorded"}, ""},
		{"counted_only", "", func(s *searched) { s.rows.claim(pool+"#"+eventID, time.Now().Add(time.Hour)) }, []string{"now:  it has arrived and is counted, and no row"}, ""},
		{"recorded_only", "", func(s *searched) { s.trail.found = []actors.Row{row} }, []string{"now:  it is recorded, and not counted"}, ""},
		{"audit_denied", "", func(s *searched) { s.trail.err = errors.New("AccessDenied") }, []string{"not looked at: the audit table (AccessDenied)"}, ""},
		{"of_another_event", "", func(s *searched) {
			log(s, `{"msg":"x","id":"elsewhere","cause":"`+eventID+`"}`, logged(true, signedIn("elsewhere", `{"note":"`+eventID+`"}`)))
			s.broker.put(dlq, strings.Replace(body, eventID, "elsewhere", 1))
		}, []string{"now:  it was not found"}, "elsewhere"},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			s := &searched{logs: &groups{lines: map[string][]string{}}, broker: newBroker(), rows: newRows(), trail: &trail{}}
			s.broker.link(source, dlq)
			s.broker.link(outboxName, outboxName+"-dlq")
			tc.prepare(s)
			dead, err := find(t.Context(), s.broker, "gatehouse-test-")
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			f := &finder{
				environment: "test", poolARN: pool, logs: s.logs, client: s.broker, outbox: base + outboxName, dead: dead,
				ledger: &Ledger{Table: s.rows, Name: "ledger", Now: time.Now}, audit: s.trail, out: &out, now: time.Now,
			}
			if err := f.find(t.Context(), cmp.Or(tc.id, eventID), longestWait, "2026-11-01"); err != nil {
				t.Fatal(err)
			}
			contains(t, &out, tc.shows...)
			if tc.hides != "" && strings.Contains(out.String(), tc.hides) || strings.Contains(out.String(), address) {
				t.Errorf("output has what it should not:\n%s", &out)
			}
			if !slices.Contains(s.trail.days, "2026-11-01") {
				t.Errorf("rows of %v, want the day that was given", s.trail.days)
			}
		})
	}
	if err := (&finder{}).find(t.Context(), `x" or "`, time.Hour, ""); err == nil {
		t.Error("an id with a quote is accepted")
	}
}

func TestOutbox(t *testing.T) {
	t.Parallel()
	const name, group = "gatehouse-test-user-events-outbox", "/gatehouse/test/user-events/drain"
	failure := func(message, id, why string) string {
		return `{"msg":"` + consume.Retried + `","messageId":"` + message + `","id":"` + id + `","type":"` + contracts.TypeSigninSucceeded + `","error":"` + why + `"}`
	}
	for _, tc := range []struct {
		name    string
		prepare func(*broker, *groups)
		shows   []string
	}{
		{"empty", func(*broker, *groups) {}, []string{"waiting                     0"}},
		{"waiting", func(b *broker, g *groups) {
			b.put(name, signedIn("e1", `{}`), address)
			g.lines[group] = []string{failure("1", "e1", "sns.Publish: KMSDisabled")}
		}, []string{"waiting                     2", "e1", "KMSDisabled", "not a valid event", "docs/playbooks/outbox-old.md"}},
		{"taken", func(b *broker, g *groups) {
			b.put(name, signedIn("e1", `{}`))
			b.hide(name, 1, time.Minute)
			line := failure("1", "e1", "sns.Publish: timeout")
			g.lines[group], g.at[line] = []string{line}, time.Now()
		}, []string{"taken by drain or a reader  1", "e1", "timeout", "hidden until the next attempt"}},
		{"taken_without_an_error", func(b *broker, _ *groups) {
			b.put(name, signedIn("e1", `{}`))
			b.hide(name, 1, time.Minute)
		}, []string{"look again in a minute"}},
	} {
		bubble(t, tc.name, func(t *testing.T) {
			b, g, out := newBroker(), &groups{lines: map[string][]string{}, at: map[string]time.Time{}}, &bytes.Buffer{}
			b.link(name, name+"-dlq")
			tc.prepare(b, g)
			o := outbox{client: b, logs: g, url: base + name, group: group, out: out, now: time.Now}
			if err := o.show(t.Context()); err != nil {
				t.Fatal(err)
			}
			contains(t, out, tc.shows...)
			if strings.Contains(out.String(), address) {
				t.Errorf("an address is shown:\n%s", out)
			}
		})
	}
}
