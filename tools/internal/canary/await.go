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
)

// effect is an event that this run has to cause, n times at least: Cognito may
// run a trigger more than once.
type effect struct {
	typ  string
	n    int
	mine func(event.Event) bool
}

func (c *canary) events() []effect {
	ofUser := func(ev event.Event) bool { return c.person.sub != "" && ev.Subject() == c.person.sub }
	return []effect{
		{contracts.TypeSignupRejected, 1, func(ev event.Event) bool {
			return strings.HasPrefix(domainOf(ev), c.id+"-") && strings.HasSuffix(domainOf(ev), "."+disposable)
		}},
		// Nothing in it tells one user of the simulator from another but the time.
		{contracts.TypeSignupAllowed, 1, func(ev event.Event) bool {
			return domainOf(ev) == contracts.SyntheticDomain && ev.Time().After(c.started.Add(-time.Minute))
		}},
		{contracts.TypeUserCreated, 1, ofUser},
		{contracts.TypeSigninAttempted, 2, ofUser},
		{contracts.TypeSigninSucceeded, 1, ofUser},
	}
}

func domainOf(ev event.Event) string {
	var data struct{ Domain string }
	if json.Unmarshal(ev.Data(), &data) != nil {
		return ""
	}
	return data.Domain
}

// await waits for everything at once, so that one thing that never comes does not
// hide which others did.
func (c *canary) await(ctx context.Context) {
	var all sync.WaitGroup
	check := func(name string, f func(context.Context) (string, error)) {
		all.Go(func() { c.report.step(ctx, name, f) })
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
	check("metric "+metric, func(ctx context.Context) (string, error) { return c.isCounted(ctx, c.before+float64(expected)) })
	all.Wait()
}

// arrives waits for an event in the queue; meanwhile is asked between two looks.
func (c *canary) arrives(ctx context.Context, e effect, meanwhile func(context.Context) error) (string, error) {
	got := 0
	err := c.until(ctx, func(ctx context.Context) (bool, error) {
		found, err := c.find(e)
		if got = len(found); err != nil || got >= e.n {
			return err == nil, err
		}
		if meanwhile != nil {
			err = meanwhile(ctx)
		}
		return false, err
	}, func() string { return fmt.Sprintf("%d of %d arrived in the queue", got, e.n) })
	return fmt.Sprintf("%d arrived", got), err
}

func (c *canary) find(e effect) ([]event.Event, error) {
	return c.inbox.find(func(ev event.Event) bool { return ev.Type() == e.typ && e.mine(ev) })
}

// isRecorded waits for the rows of the events that arrived.
func (c *canary) isRecorded(ctx context.Context, e effect) (string, error) {
	rows, found := 0, 0
	err := c.until(ctx, func(ctx context.Context) (bool, error) {
		arrived, err := c.find(e)
		rows, found = 0, len(arrived)
		if err != nil || found < e.n {
			return false, err
		}
		for _, ev := range arrived {
			is, err := c.trail.recorded(ctx, ev)
			if err != nil {
				return false, err
			}
			if is {
				rows++
			}
		}
		return rows == found, nil
	}, func() string {
		if found < e.n {
			return "its row cannot be looked for, because the event did not arrive"
		}
		return fmt.Sprintf("%d of %d rows are in the audit table", rows, found)
	})
	return fmt.Sprintf("%d rows, marked", rows), err
}

// seesItself waits until the user's own events are in the user's own activity.
func (c *canary) seesItself(ctx context.Context) (string, error) {
	shown, want := 0, 0
	err := c.until(ctx, func(ctx context.Context) (bool, error) {
		own, err := c.inbox.find(func(ev event.Event) bool { return ev.Subject() == c.person.sub })
		if err != nil {
			return false, err
		}
		body, err := c.api.expect(ctx, "/activity?limit=100", c.person.idToken, 200)
		if err != nil {
			return false, err
		}
		ids, err := activityIDs(body, c.person.sub)
		if err != nil {
			return false, err
		}
		shown, want = 0, max(len(own), 4)
		for _, ev := range own {
			if ids[ev.ID()] {
				shown++
			}
		}
		return shown >= want, nil
	}, func() string { return fmt.Sprintf("%d of the user's %d events are shown", shown, want) })
	return fmt.Sprintf("200, %d own rows", shown), err
}

func (c *canary) isCounted(ctx context.Context, want float64) (string, error) {
	now := 0.0
	err := c.until(ctx, func(ctx context.Context) (_ bool, err error) {
		now, err = c.meter.Sum(ctx, metric)
		return now >= want, err
	}, func() string { return fmt.Sprintf("it is %.0f and should be %.0f", now, want) })
	return fmt.Sprintf("%.0f", now), err
}

// until asks until the answer is yes or the time is over; then missing says what
// did not come.
func (c *canary) until(ctx context.Context, yes func(context.Context) (bool, error), missing func() string) error {
	ask := time.NewTicker(every)
	defer ask.Stop()
	for {
		ok, err := yes(ctx)
		switch {
		case ok:
			return nil
		case err != nil && ctx.Err() == nil:
			return err
		}
		select {
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				return fmt.Errorf("%s after %s", missing(), c.timeout)
			}
			return fmt.Errorf("interrupted: %s so far", missing())
		case <-ask.C:
		}
	}
}
