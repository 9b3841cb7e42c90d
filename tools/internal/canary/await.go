package canary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/cloudevents/sdk-go/v2/event"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

// effect is an event that this run has to cause, n times at least: Cognito may
// run a trigger more than once.
type effect struct {
	typ  string
	n    int
	mine func(event.Event) bool
}

func (c *canary) events() []effect {
	ofUser := func(ev event.Event) bool { return c.person.Sub != "" && ev.Subject() == c.person.Sub }
	return []effect{
		{contracts.TypeSignupRejected, 1, func(ev event.Event) bool {
			return strings.HasPrefix(actors.DomainOf(ev), c.id+"-") && strings.HasSuffix(actors.DomainOf(ev), "."+actors.Disposable)
		}},
		{contracts.TypeSignupAllowed, 1, c.isMySignUp},
		{contracts.TypeUserCreated, 1, ofUser},
		{contracts.TypeSigninAttempted, 2, ofUser},
		{contracts.TypeSigninSucceeded, 1, ofUser},
	}
}

// isMySignUp recognizes the sign-up of the run among those of other canaries and of
// strangers. On AWS such an event names no user, so its time has to be within the call's.
func (c *canary) isMySignUp(ev event.Event) bool {
	at := ev.Time()
	if at.Before(c.signUp.from.Add(c.skew[0])) || at.After(c.signUp.to.Add(c.skew[1])) {
		return false
	}
	return (ev.Subject() == "" || ev.Subject() == c.person.Sub) && actors.DomainOf(ev) == contracts.SyntheticDomain
}

// await waits for everything at once, so that a missing event does not hide which others
// arrived. The metric may need minutes on AWS, and is not waited for once something else
// has failed.
func (c *canary) await(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, c.limit)
	defer cancel()
	patient, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var all, counted sync.WaitGroup
	check := func(name string, f func(context.Context) (string, error)) {
		all.Go(func() { c.report.step(bounded, name, f) })
	}
	expected := 0
	for i, e := range c.events() {
		expected += e.n
		if i > 0 { // the first was waited for
			check("event "+e.typ, func(ctx context.Context) (string, error) { return c.arrives(ctx, e, nil) })
		}
		check("audit "+e.typ, func(ctx context.Context) (string, error) { return c.isRecorded(ctx, e) })
	}
	check("API /activity", c.seesItself)
	counted.Go(func() {
		c.report.step(patient, "metric "+metric, func(ctx context.Context) (string, error) { return c.isCounted(ctx, c.before+float64(expected)) })
	})
	all.Wait()
	if c.report.failed() {
		stop(errNotAwaited)
	}
	counted.Wait()
}

// errNotAwaited ends the wait for the metric when the run has failed already.
var errNotAwaited = errors.New("not waited for, because something else failed")

// arrives waits for an event in the queue, and calls meanwhile between two reads.
func (c *canary) arrives(ctx context.Context, e effect, meanwhile func(context.Context) error) (string, error) {
	got := 0
	err := c.until(ctx, "event "+e.typ, func(ctx context.Context) (string, bool, error) {
		found, err := c.find(e)
		if got = len(found); err == nil && got < e.n && meanwhile != nil {
			err = meanwhile(ctx)
		}
		return fmt.Sprintf("%d of %d arrived in the queue", got, e.n), err == nil && got >= e.n, err
	})
	return fmt.Sprintf("%d arrived", got), err
}

func (c *canary) find(e effect) ([]actors.Arrival, error) {
	return c.synthetic(func(ev event.Event) bool { return ev.Type() == e.typ && e.mine(ev) })
}

// synthetic leaves other events out: a filter does not take effect at once.
func (c *canary) synthetic(match func(event.Event) bool) ([]actors.Arrival, error) {
	return c.inbox.Find(func(ev event.Event) bool { return contracts.IsSynthetic(ev) && match(ev) })
}

// lookups is how many rows of one kind are looked up. More events than that are not of
// this run alone.
const lookups = 10

// isRecorded waits for the rows of the events that arrived.
func (c *canary) isRecorded(ctx context.Context, e effect) (string, error) {
	rows := 0
	err := c.until(ctx, "audit "+e.typ, func(ctx context.Context) (string, bool, error) {
		arrived, err := c.find(e)
		if rows = 0; err != nil || len(arrived) < e.n {
			return "its row cannot be looked up, because the event did not arrive", false, err
		}
		arrived = arrived[:min(lookups, len(arrived))]
		for _, a := range arrived {
			found, err := c.trail.Find(ctx, a.Event)
			if err == nil && len(found) > 0 && !found[0].Synthetic {
				err = errors.New("the audit row is not marked synthetic")
			}
			if err != nil {
				return "", false, err
			}
			rows += min(len(found), 1)
		}
		return fmt.Sprintf("%d of %d rows are in the audit table", rows, len(arrived)), rows == len(arrived), nil
	})
	return fmt.Sprintf("%d rows, marked", rows), err
}

// seesItself waits until the user's events are in the user's own activity.
func (c *canary) seesItself(ctx context.Context) (string, error) {
	shown := 0
	err := c.until(ctx, "API /activity", func(ctx context.Context) (string, bool, error) {
		own, err := c.synthetic(func(ev event.Event) bool { return ev.Subject() == c.person.Sub })
		if err != nil {
			return "", false, err
		}
		body, err := c.api.Expect(ctx, "/activity?limit=100", c.person.IDToken, 200)
		if err != nil {
			return "", false, err
		}
		ids, err := activityIDs(body, c.person.Sub)
		if err != nil {
			return "", false, err
		}
		shown = 0
		for _, a := range own {
			if ids[a.Event.ID()] {
				shown++
			}
		}
		want := max(len(own), 4)
		return fmt.Sprintf("%d of the user's %d events are shown", shown, want), shown >= want, nil
	})
	return fmt.Sprintf("200, %d own rows", shown), err
}

// activityIDs are the ids of the events in an answer of /activity, which may have
// rows of the caller only.
func activityIDs(body []byte, sub string) (map[string]bool, error) {
	var page struct {
		Items []struct{ ID, Sub string }
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return nil, fmt.Errorf("GET /activity: json.Unmarshal: %w", err)
	}
	ids := map[string]bool{}
	for _, item := range page.Items {
		if item.Sub != sub {
			return nil, errors.New("GET /activity shows rows of another user")
		}
		ids[item.ID] = true
	}
	return ids, nil
}

func (c *canary) isCounted(ctx context.Context, want float64) (string, error) {
	now := 0.0
	err := c.until(ctx, "metric "+metric, func(ctx context.Context) (_ string, _ bool, err error) {
		now, err = c.meter.Sum(ctx, metric)
		return fmt.Sprintf("it is %.0f and should be %.0f", now, want), now >= want, err
	})
	return fmt.Sprintf("%.0f", now), err
}

// overdue is the error of a wait whose time is over. It says what was seen, and not that a
// deadline of some context was exceeded.
type overdue struct{ ended *actors.Unfinished }

func (o *overdue) Error() string {
	return fmt.Sprintf("%s after %s", o.ended.Seen, o.ended.After.Round(time.Second))
}

func (o *overdue) Unwrap() error { return o.ended }

// until calls look until it is done or ctx ends. When the wait is late it prints once
// what it has seen so far, so a person need not wait for the end.
func (c *canary) until(ctx context.Context, step string, look func(context.Context) (seen string, done bool, err error)) error {
	began, said, last := time.Now(), false, "nothing could be seen"
	err := actors.Wait{Every: every}.Until(ctx, func(ctx context.Context) (string, bool, error) {
		seen, done, err := look(ctx)
		if err == nil {
			last = seen
		}
		if waited := time.Since(began); !done && err == nil && !said && waited >= lateAfter {
			c.report.say("late", waited, step, seen+" so far")
			said = true
		}
		return last, done, err
	})
	var ended *actors.Unfinished
	switch {
	case errors.As(err, &ended) && errors.Is(context.Cause(ctx), errNotAwaited):
		return fmt.Errorf("%w: %s", errNotAwaited, ended.Seen)
	case errors.As(err, &ended) && errors.Is(err, context.DeadlineExceeded):
		return &overdue{ended}
	case errors.As(err, &ended):
		return fmt.Errorf("interrupted: %s so far", ended.Seen)
	}
	return err
}
