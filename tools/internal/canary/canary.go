package canary

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
)

// canary is one run.
type canary struct {
	report  *report
	id      string
	started time.Time
	timeout time.Duration
	names   names
	aws     services
	person  *actors.Person
	inbox   *actors.Inbox
	api     *actors.API
	machine *actors.Machine
	trail   *actors.Trail
	meter   *actors.Meter

	disposable []actors.Person // one for each try with a disposable address
	before     float64         // the metric at the start
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
		{"event " + contracts.TypeSignupRejected, c.rejectionArrives},
		{"sign-up", func(ctx context.Context) (string, error) { return c.person.Email, c.person.SignUp(ctx) }},
		{"confirmation", func(ctx context.Context) (string, error) { return "by an administrator", c.person.AdminConfirm(ctx) }},
		{"wrong password", c.wrongPassword},
		{"sign-in", func(ctx context.Context) (string, error) { return c.person.SignIn(ctx, c.person.Password) }},
		{"API /guest", c.asks("/guest", "", 200)},
		{"API /user without a token", c.asks("/user", "", 401)},
		{"API /user with the ID token", c.asksForMe},
		{"API /client with the ID token", func(ctx context.Context) (string, error) { return c.asks("/client", c.person.IDToken, 401)(ctx) }},
		{"API /client as a machine", c.asksAsMachine},
	} {
		if !c.report.step(ctx, a.name, a.do) {
			return
		}
	}
	c.await(ctx)
}

// isRefused tries a new domain each time, so that every try has an event of its own.
func (c *canary) isRefused(ctx context.Context) (string, error) {
	p := *c.person
	p.Email = fmt.Sprintf("success@%s-%d.%s", c.id, len(c.disposable)+1, actors.Disposable)
	c.disposable = append(c.disposable, p)
	err := p.SignUp(ctx)
	switch text := actors.Refusal(err); {
	case text != "":
		return fmt.Sprintf("refused: %q", text), nil
	case err != nil:
		return "", err
	}
	return "", errors.New("a disposable address was accepted; is signup-guard the pool's PreSignUp trigger?")
}

func (c *canary) wrongPassword(ctx context.Context) (string, error) {
	_, err := c.person.WrongPassword(ctx, func(ctx context.Context, password string) error {
		_, err := c.person.SignIn(ctx, password)
		return err
	})
	return "refused", err
}

// rejectionArrives also proves that the subscription has taken effect.
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

// cleanUp deletes everything that this run may have made, also after a failure, a
// timeout or an interruption.
func (c *canary) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpLimit)
	defer cancel()
	c.report.step(ctx, "user deleted", func(ctx context.Context) (string, error) {
		err := c.person.Delete(ctx)
		for _, p := range c.disposable {
			err = errors.Join(err, p.Delete(ctx))
		}
		return "", err
	})
	c.report.step(ctx, "queue deleted", func(ctx context.Context) (string, error) { return "and its subscription", c.inbox.Close(ctx) })
}
