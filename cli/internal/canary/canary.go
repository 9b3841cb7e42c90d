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

const (
	// every is the time between two questions to AWS.
	every = time.Second
	// again is when the refused sign-up is repeated: a subscription on AWS is not in
	// force at once, and this act leaves nothing.
	again = 10 * time.Second
	// cleanUpLimit bounds the cleaning up.
	cleanUpLimit = 30 * time.Second
)

// canary is one run.
type canary struct {
	report  *report
	id      string
	started time.Time
	timeout time.Duration
	names   names
	person  *person
	inbox   *inbox
	api     *api
	trail   *trail
	meter   *meter

	refused int     // how often the disposable address was tried
	before  float64 // the metric at the start
}

// act is a step that others build on: the first that fails is the last.
type act struct {
	name string
	do   func(context.Context) (string, error)
}

// walk does everything and always cleans up.
func (c *canary) walk(ctx context.Context) {
	collecting, stop := context.WithCancel(ctx)
	var collector sync.WaitGroup
	defer c.cleanUp(ctx)
	defer collector.Wait()
	defer stop()
	for _, a := range []act{
		{"leftovers", c.sweep},
		{"queue", func(ctx context.Context) (string, error) {
			if err := c.inbox.open(ctx); err != nil {
				return "", err
			}
			collector.Go(func() { c.inbox.collect(collecting) })
			return "subscribed to synthetic events", nil
		}},
		{"metric so far", func(ctx context.Context) (_ string, err error) {
			c.before, err = c.meter.sum(ctx)
			return fmt.Sprintf("%s %.0f", metric, c.before), err
		}},
		{"disposable address", c.isRefused},
		{"event " + contracts.TypeSignupRejected, c.rejectionArrives},
		{"sign-up", func(ctx context.Context) (string, error) { return c.person.email, c.person.join(ctx) }},
		{"confirmation", func(ctx context.Context) (string, error) { return "by an administrator", c.person.confirm(ctx) }},
		{"wrong password", func(ctx context.Context) (string, error) { return "refused", c.person.mistype(ctx) }},
		{"sign-in", c.person.enter},
		{"API /guest", c.asks("/guest", "", 200)},
		{"API /user without a token", c.asks("/user", "", 401)},
		{"API /user with the ID token", c.asksForMe},
		{"API /client with the ID token", func(ctx context.Context) (string, error) { return c.asks("/client", c.person.idToken, 401)(ctx) }},
		{"API /client as a machine", c.asksAsMachine},
	} {
		if !c.report.step(ctx, a.name, a.do) {
			return
		}
	}
	c.await(ctx)
}

func (c *canary) sweep(ctx context.Context) (string, error) {
	users, err := c.person.sweep(ctx, c.started)
	if err != nil {
		return "", err
	}
	queues, err := c.inbox.sweep(ctx, c.started)
	if err != nil {
		return "", err
	}
	if users+queues == 0 {
		return "none", nil
	}
	return fmt.Sprintf("deleted %d users, %d queues and subscriptions of canaries that crashed", users, queues), nil
}

// isRefused tries a domain of its own each time, so that every event can be told.
func (c *canary) isRefused(ctx context.Context) (string, error) {
	c.refused++
	said, err := c.person.tryDisposable(ctx, refusedDomain(fmt.Sprintf("%s-%d", c.id, c.refused)))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("refused: %q", said), nil
}

// rejectionArrives is also the proof that the subscription is in force.
func (c *canary) rejectionArrives(ctx context.Context) (string, error) {
	tried := time.Now()
	return c.arrives(ctx, c.events()[0], func(ctx context.Context) error {
		if time.Since(tried) < again {
			return nil
		}
		tried = time.Now()
		_, err := c.isRefused(ctx)
		return err
	})
}

func (c *canary) asks(path, token string, status int) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		_, err := c.api.expect(ctx, path, token, status)
		return fmt.Sprint(status), err
	}
}

func (c *canary) asksForMe(ctx context.Context) (string, error) {
	body, err := c.api.expect(ctx, "/user", c.person.idToken, 200)
	if err != nil {
		return "", err
	}
	return "200", isMe(body, c.person.sub)
}

func (c *canary) asksAsMachine(ctx context.Context) (string, error) {
	token, err := c.api.machineToken(ctx)
	if err != nil {
		return "", err
	}
	return c.asks("/client", token, 200)(ctx)
}

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
		now, err = c.meter.sum(ctx)
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

// cleanUp takes everything away that this run may have made, also after a
// failure, the end of its time or an interruption.
func (c *canary) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
	defer cancel()
	c.report.step(ctx, "user deleted", func(ctx context.Context) (string, error) { return "", c.person.leave(ctx) })
	c.report.step(ctx, "queue deleted", func(ctx context.Context) (string, error) { return "and its subscription", c.inbox.close(ctx) })
}
