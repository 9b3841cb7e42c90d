package canary

import (
	"context"
	"fmt"
	"sync"
	"time"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/internal/meter"
)

const (
	// metric is the only one in which synthetic events are.
	metric = "SyntheticEvents"
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
	meter   *meter.Meter

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
			c.before, err = c.meter.Sum(ctx, metric)
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

// cleanUp takes everything away that this run may have made, also after a
// failure, the end of its time or an interruption.
func (c *canary) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
	defer cancel()
	c.report.step(ctx, "user deleted", func(ctx context.Context) (string, error) { return "", c.person.leave(ctx) })
	c.report.step(ctx, "queue deleted", func(ctx context.Context) (string, error) { return "and its subscription", c.inbox.close(ctx) })
}
