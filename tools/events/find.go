package events

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/lambdakit/consume"
	"gatehouse.example/tools/actors"
	"gatehouse.example/tools/internal/terminal"
)

// auditRows is what finder needs of the audit table.
type auditRows interface {
	// rows returns the rows with an event's id: of the event, or if it is nil of some days.
	rows(ctx context.Context, id string, ev *event.Event, days []string) ([]actors.Row, error)
}

// finder looks for one event everywhere.
type finder struct {
	environment, poolARN string
	logs                 Logs
	client               scanner
	outbox               string
	dead                 []deadLetterQueue
	ledger               *Ledger
	audit                auditRows
	out                  io.Writer
	now                  func() time.Time
}

// place is where an event can be.
type place struct{ name, seen string }

// sighting is what was found of an event.
type sighting struct {
	places []place
	// event is nil if only its id is known.
	event *event.Event
	// days are those of the log lines.
	days []string

	kept, fellBack, inOutbox, arrived, sent, recorded bool
	dead                                              []string
	// unknown are the places that could not be looked at.
	unknown []string
}

func (s *sighting) add(name, format string, args ...any) {
	s.places = append(s.places, place{name, fmt.Sprintf(format, args...)})
}

// find prints where the event has been and where it is now.
func (f *finder) find(ctx context.Context, id string, since time.Duration, day string) error {
	if id == "" || !consume.IsName(id) { // it goes into a filter pattern
		return fmt.Errorf("%q cannot be the id of an event of Gatehouse", id)
	}
	s := &sighting{}
	if day != "" {
		s.days = append(s.days, day)
	}
	for _, look := range []func(context.Context, *sighting, string) error{
		func(ctx context.Context, s *sighting, id string) error { return f.inLogs(ctx, s, id, since) },
		f.inOutbox, f.inDeadLetters, f.inAudit, f.inLedger,
	} {
		if err := look(ctx, s, id); err != nil {
			return err
		}
	}
	rows := [][]string{{"PLACE", "WHAT WAS FOUND"}}
	for _, p := range s.places {
		rows = append(rows, []string{p.name, p.seen})
	}
	if len(s.places) == 0 {
		rows = nil
	}
	if err := terminal.Table(f.out, rows...); err != nil {
		return err
	}
	now, next := s.conclude(id)
	fmt.Fprintf(f.out, "\nnow:  %s\nnext: %s\n", now, next)
	if len(s.unknown) > 0 {
		fmt.Fprintf(f.out, "not looked at: %s\n", strings.Join(s.unknown, ", "))
	}
	return nil
}

// inLogs looks for lines about the event.
func (f *finder) inLogs(ctx context.Context, s *sighting, id string, since time.Duration) error {
	return eachLine(ctx, f.logs, "/gatehouse/"+f.environment+"/", id, f.now().Add(-since), func(l line) error {
		what := ""
		if kept, ok := readKept(l.text); ok {
			ev, err := contracts.Decode(kept.body)
			if err != nil || ev.ID() != id {
				return nil
			}
			s.kept, s.event = true, &ev
			what = fmt.Sprintf("kept in this line only; topic %q, outbox %q", kept.topicErr, kept.outboxErr)
		} else {
			var about failure
			if json.Unmarshal([]byte(l.text), &about) != nil || about.ID != id {
				return nil
			}
			s.fellBack = s.fellBack || strings.Contains(about.Message, "outbox")
			if what = about.Message; about.Error+about.Reason != "" {
				what += ": " + about.Error + about.Reason
			}
		}
		if day := l.at.Format(time.DateOnly); !slices.Contains(s.days, day) {
			s.days = append(s.days, day)
		}
		s.add("log", "%s %s: %s", l.at.Format(time.RFC3339), l.group, terminal.Printable(what))
		return nil
	})
}

// inOutbox looks at the messages that can be received now.
func (f *finder) inOutbox(ctx context.Context, s *sighting, id string) error {
	left, err := f.inQueue(ctx, s, f.outbox, id, func(m types.Message) {
		s.inOutbox = true
		s.add("outbox", "message %s, received %s times", terminal.Printable(aws.ToString(m.MessageId)), received(m))
	})
	if left > 0 {
		s.unknown = append(s.unknown, fmt.Sprintf("%d messages of the outbox that drain holds", left))
	}
	return err
}

// inDeadLetters looks at every dead-letter queue that has messages.
func (f *finder) inDeadLetters(ctx context.Context, s *sighting, id string) error {
	for _, q := range f.dead {
		if q.messages == 0 {
			continue
		}
		left, err := f.inQueue(ctx, s, q.url, id, func(m types.Message) {
			s.dead = append(s.dead, q.name)
			s.add("dead letters", "%s: message %s, moved by %s", q.name, terminal.Printable(aws.ToString(m.MessageId)), movedBy(m))
		})
		if err != nil {
			return err
		}
		if left > 0 {
			s.unknown = append(s.unknown, fmt.Sprintf("%d messages of %s that another reader holds", left, q.name))
		}
	}
	return nil
}

func (f *finder) inQueue(ctx context.Context, s *sighting, url, id string, found func(types.Message)) (left int, err error) {
	return scan(ctx, f.client, url, lookTimeout, func(m types.Message) (bool, error) {
		if ev, err := contracts.Decode([]byte(aws.ToString(m.Body))); err == nil && ev.ID() == id {
			s.event = &ev
			found(m)
		}
		return false, nil
	})
}

// inAudit looks for rows, with the caller's credentials: the operator's role may not read them.
func (f *finder) inAudit(ctx context.Context, s *sighting, id string) error {
	days := append(s.days, f.now().UTC().Format(time.DateOnly), f.now().UTC().AddDate(0, 0, -1).Format(time.DateOnly))
	slices.Sort(days)
	rows, err := f.audit.rows(ctx, id, s.event, slices.Compact(days))
	if err != nil {
		s.unknown = append(s.unknown, "the audit table ("+terminal.Printable(err.Error())+")")
		return nil
	}
	for _, r := range rows {
		s.recorded = true
		s.add("audit row", "%s, act of %s, recorded %s", terminal.Printable(r.Type), terminal.Printable(r.Time), terminal.Printable(r.ReceivedAt))
		if s.event == nil {
			s.event = f.eventOf(r)
		}
	}
	return nil
}

// eventOf has the fields on which the ledger's key depends.
func (f *finder) eventOf(r actors.Row) *event.Event {
	ev := event.New()
	ev.SetID(r.ID)
	ev.SetType(r.Type)
	ev.SetSource(f.poolARN)
	if r.Sub != "" {
		ev.SetSubject(r.Sub)
	}
	return &ev
}

// inLedger looks for the claim of the metrics and for the mark of `gatehouse events recover`.
func (f *finder) inLedger(ctx context.Context, s *sighting, id string) error {
	ev, guessed := s.event, false
	if ev == nil {
		ev, guessed = f.eventOf(actors.Row{ID: id}), true
	}
	var err error
	if s.arrived, err = f.ledger.arrived(ctx, *ev); err != nil {
		return err
	}
	if s.sent, err = f.ledger.wasSent(ctx, *ev); err != nil {
		return err
	}
	switch {
	case s.arrived:
		s.add("ledger", "it has arrived at the metrics, and was counted")
	case guessed:
		s.unknown = append(s.unknown, "the ledger, where user.created and a first sign-in have another id, which only the event itself tells")
	}
	if s.sent {
		s.add("ledger", "an operator has sent it again, or seen that it has arrived")
	}
	return nil
}

// conclude says where the event is now, and what to do about it.
func (s *sighting) conclude(id string) (now, next string) {
	switch {
	case len(s.dead) > 0:
		return "in the dead-letter queue " + s.dead[0], fmt.Sprintf(
			"`gatehouse events dead show %s %s`, then repair the cause, then `gatehouse events dead replay %s`; docs/playbooks/dead-letters.md", s.dead[0], id, s.dead[0])
	case s.inOutbox:
		return "in the outbox", "`gatehouse events outbox` shows why drain cannot send it; docs/playbooks/outbox-old.md"
	case s.arrived && s.recorded:
		return "it has arrived, is counted and recorded", "nothing"
	case s.arrived:
		return "it has arrived and is counted, and no row of it was found", "`gatehouse audit show` has the rows; if the recorder is late: docs/playbooks/consumer-late.md"
	case s.recorded:
		return "it is recorded, and not counted, or counted more than 30 days ago", "nothing, if it is old; else docs/playbooks/consumer-late.md for user-events-metrics"
	case s.sent:
		return "an operator has sent it to the outbox, and it has not arrived yet", "`gatehouse events outbox` shows what waits; `gatehouse events recover --again` sends it once more"
	case s.kept:
		return "only in the log", "`gatehouse events recover` sends it; docs/playbooks/events-undelivered.md"
	case s.fellBack:
		return "it went to the outbox, and is hidden there, or on its way from the topic to a consumer", "look again in a minute; `gatehouse events outbox` shows what waits"
	case s.event != nil || len(s.places) > 0:
		return "on its way to a consumer that has logged an error about it", "the consumer repeats it about every minute; docs/playbooks/consumer-late.md"
	}
	return "it was not found", "check the id; --since and --day look further back; an event of a trigger that failed was never made: docs/playbooks/function-errors.md"
}
