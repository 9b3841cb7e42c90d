package canary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"gatehouse.example/contracts"
	"gatehouse.example/tools/actors"
)

const (
	// metric is the only one that counts synthetic events.
	metric = "SyntheticEvents"
	// every is the time between two requests to AWS.
	every = time.Second
	// again is when the refused sign-up is repeated: a subscription on AWS does not
	// take effect at once, and a refused sign-up leaves nothing behind.
	again = 10 * time.Second
	// cleanUpLimit bounds the clean-up.
	cleanUpLimit = 30 * time.Second
	// lateAfter is when a wait says what it has seen so far.
	lateAfter = 20 * time.Second
)

const (
	// firstEvent is the step that waits for the first event.
	firstEvent = "event " + contracts.TypeSignupRejected
	// clockError is how wrong this machine's clock may be before it is compared with AWS's.
	clockError = 5 * time.Second
	// precision is that of times in events.
	precision = 10 * time.Millisecond
)

// canary is one run.
type canary struct {
	report  *report
	id      string // in the domains of its disposable addresses
	secret  string // in the names of its queue and user
	started time.Time
	timeout time.Duration // of the run
	limit   time.Duration // of one step; only the metric and SNS may need longer
	names   names
	aws     services
	person  *actors.Person
	inbox   *actors.Inbox
	api     *actors.API
	machine *actors.Machine
	trail   *actors.Trail
	meter   *actors.Meter

	refused []attempt // one for each disposable address
	signUp  attempt
	skew    [2]time.Duration // the least and the most that AWS's clock is ahead
	before  float64          // the metric at the start
}

// attempt is a sign-up and when it was made, by the clock of this machine.
type attempt struct {
	person   actors.Person
	from, to time.Time
}

// act is a step that later steps depend on: the first one that fails ends the run.
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
		{"queue", func(ctx context.Context) (string, error) {
			if err := c.inbox.Open(ctx); err != nil {
				return "", err
			}
			collector.Go(func() { c.inbox.Collect(collecting) })
			return "subscribed to synthetic events", nil
		}},
		{"metric so far", func(ctx context.Context) (_ string, err error) {
			c.before, err = c.meter.Sum(ctx, metric)
			return fmt.Sprintf("%s %.0f", metric, c.before), err
		}},
		{"disposable address", c.isRefused},
		{firstEvent, c.rejectionArrives},
		{"sign-up", c.signsUp},
		{"confirmation", func(ctx context.Context) (string, error) { return "by an administrator", c.person.AdminConfirm(ctx) }},
		{"wrong password", c.wrongPassword},
		{"sign-in", func(ctx context.Context) (string, error) { return c.person.SignIn(ctx, c.person.Password) }},
		{"API /guest", c.asks("/guest", "", 200)},
		{"API /user without a token", c.asks("/user", "", 401)},
		{"API /user with the ID token", c.asksForMe},
		{"API /client with the ID token", func(ctx context.Context) (string, error) { return c.asks("/client", c.person.IDToken, 401)(ctx) }},
		{"API /client as a machine", c.asksAsMachine},
	} {
		if !c.report.step(ctx, a.name, c.within(a)) {
			return
		}
	}
	c.await(ctx)
}

// within bounds a step. The first event has limits of its own.
func (c *canary) within(a act) func(context.Context) (string, error) {
	if a.name == firstEvent {
		return a.do
	}
	return func(ctx context.Context) (string, error) {
		ctx, cancel := context.WithTimeout(ctx, c.limit)
		defer cancel()
		return a.do(ctx)
	}
}

func (c *canary) signsUp(ctx context.Context) (string, error) {
	c.signUp.from = time.Now()
	err := c.person.SignUp(ctx)
	c.signUp.to = time.Now()
	return "as a synthetic user of run " + c.id, err
}

// isRefused tries a new domain each time, so that every try has an event of its own.
func (c *canary) isRefused(ctx context.Context) (string, error) {
	a := attempt{from: time.Now(), person: actors.Person{
		Pool: c.person.Pool, PoolID: c.person.PoolID, ClientID: c.person.ClientID, Password: c.person.Password, Email: "success@" + c.domain(len(c.refused)),
	}}
	err := a.person.SignUp(ctx)
	a.to = time.Now()
	c.refused = append(c.refused, a)
	switch text := actors.Refusal(err); {
	case text != "":
		return fmt.Sprintf("refused: %q", text), nil
	case err != nil:
		return "", err
	}
	return "", errors.New("a disposable address was accepted; is signup-guard the pool's PreSignUp trigger?")
}

// domain is that of the n-th disposable address.
func (c *canary) domain(n int) string { return fmt.Sprintf("%s-%d.%s", c.id, n+1, actors.Disposable) }

func (c *canary) wrongPassword(ctx context.Context) (string, error) {
	_, err := c.person.WrongPassword(ctx, func(ctx context.Context, password string) error {
		_, err := c.person.SignIn(ctx, password)
		return err
	})
	return "refused", err
}

// rejectionArrives also proves that the subscription has taken effect. SNS may need 15
// minutes for a new filter
// (https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html), so
// when the event is late, the audit table shows whether it is the topic or the filter.
func (c *canary) rejectionArrives(ctx context.Context) (string, error) {
	began, tried := time.Now(), time.Now()
	meanwhile := func(ctx context.Context) error {
		if time.Since(tried) < again {
			return nil
		}
		tried = time.Now()
		_, err := c.isRefused(ctx)
		return err
	}
	first, cancel := context.WithTimeout(ctx, c.limit)
	detail, err := c.arrives(first, c.events()[0], meanwhile)
	cancel()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		recorded, lookErr := c.refusalIsRecorded(ctx)
		if lookErr != nil || !recorded {
			return "", errors.Join(fmt.Errorf("%w, and no row of it is in the audit table", err), lookErr)
		}
		c.report.say("late", time.Since(began), firstEvent, "its row is in the audit table, so the topic works: SNS needs longer for the filter")
		detail, err = c.arrives(ctx, c.events()[0], meanwhile)
	}
	if err == nil {
		c.setClock()
	}
	return detail, err
}

// refusalIsRecorded looks for the row of a refused sign-up, in the seconds around each.
func (c *canary) refusalIsRecorded(ctx context.Context) (bool, error) {
	for n, a := range c.refused {
		rows, err := c.trail.Between(ctx, c.names.pool, a.from.Add(-clockError), a.to.Add(clockError))
		if err != nil {
			return false, err
		}
		for _, row := range rows {
			if row.Type == contracts.TypeSignupRejected && strings.Contains(row.Data, `"`+c.domain(n)+`"`) {
				return true, nil
			}
		}
	}
	return false, nil
}

// setClock compares the time of a refusal by AWS's clock with when it was asked for, so
// that the time of the sign-up can be compared, too.
func (c *canary) setClock() {
	found, err := c.find(c.events()[0])
	for n, a := range c.refused {
		for _, e := range found {
			if at := e.Event.Time(); err == nil && actors.DomainOf(e.Event) == c.domain(n) {
				c.skew = [2]time.Duration{at.Sub(a.to) - precision, at.Sub(a.from) + precision}
				return
			}
		}
	}
}

func (c *canary) asks(path, token string, status int) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		_, err := c.api.Expect(ctx, path, token, status)
		return fmt.Sprint(status), err
	}
}

func (c *canary) asksForMe(ctx context.Context) (string, error) {
	body, err := c.api.Expect(ctx, "/user", c.person.IDToken, 200)
	if err != nil {
		return "", err
	}
	return "200", isMe(body, c.person.Sub)
}

func (c *canary) asksAsMachine(ctx context.Context) (string, error) {
	if err := c.machine.ReadSecret(ctx, c.aws.pool, c.names.pool); err != nil {
		return "", err
	}
	if c.machine.Secret == "" {
		return "not asked: Cognito shows no secret of the client, because its first one was deleted", nil
	}
	token, err := c.machine.Token(ctx)
	if err != nil {
		return "", err
	}
	return c.asks("/client", token.AccessToken, 200)(ctx)
}

// isMe checks that the answer of /user has the user's own sub.
func isMe(body []byte, sub string) error {
	var answer struct{ Sub string }
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("GET /user: json.Unmarshal: %w", err)
	}
	if answer.Sub != sub {
		return errors.New("GET /user answered about another user")
	}
	return nil
}
